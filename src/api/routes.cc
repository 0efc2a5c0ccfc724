#include "api/routes.h"

#include <memory>
#include <string>

#include "api/json_text.h"
#include "api/openapi.h"

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
    add_simulate_routes(routes, context);
    add_restore_route(routes, context);
    add_event_routes(routes, context);
    add_cluster_routes(routes, context);
    add_calendar_routes(routes, context);
    add_token_routes(routes, context);
    add_audit_routes(routes, context);
    add_page_routes(routes, context);
    // Last, so that the document knows all the others, and itself.
    auto document = std::make_shared<std::string>();
    routes.emplace_back(
        Method::get, "/openapi.json", Permission::open, "openapi",
        [document](const Call&, Responder responder) {
            responder.send({200, {{"Content-Type", "application/json"}}, *document});
        });
    *document = write_json(openapi_document(routes, context.services.agent.version));
    return routes;
}

}  // namespace khronos::api
