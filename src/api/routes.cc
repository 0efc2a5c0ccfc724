#include "api/routes.h"

namespace khronos::api {

std::vector<Route> make_routes(Context& context) {
    std::vector<Route> routes;
    add_agent_routes(routes, context);
    add_job_list_route(routes, context);
    add_job_routes(routes, context);
    add_history_routes(routes, context);
    add_execution_routes(routes, context);
    add_output_routes(routes, context);
    add_schedule_routes(routes, context);
    add_restore_route(routes, context);
    add_event_routes(routes, context);
    add_cluster_routes(routes, context);
    add_calendar_routes(routes, context);
    add_token_routes(routes, context);
    add_audit_routes(routes, context);
    add_page_routes(routes, context);
    return routes;
}

}  // namespace khronos::api
