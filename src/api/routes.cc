#include "api/routes.h"

#include <fmt/format.h>

#include "api/reply.h"

namespace khronos::api {

// Routes that are promised and not there yet say so, instead of looking like a wrong address.
void add_routes_to_come(std::vector<Route>& routes) {
    struct ToCome {
        Method method;
        std::string_view path;
        Permission needs;
        std::string_view id;
    };
    constexpr ToCome kToCome[] = {
        {Method::get, "/openapi.json", Permission::open, "openapi"},
        {Method::get, "/v1/audit", Permission::admin, "audit"},
        {Method::get, "/v1/tokens", Permission::admin, "listTokens"},
        {Method::post, "/v1/tokens", Permission::admin, "createToken"},
    };
    for (const ToCome& route : kToCome)
        routes.emplace_back(
            route.method, route.path, route.needs, route.id, [](Call call, Responder responder) {
                const std::string path = call.request.path;
                Reply(call, std::move(responder))
                    .problem(501, {invalid("", fmt::format("{} is not there yet", path))});
            });
}

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
    add_routes_to_come(routes);
    return routes;
}

}  // namespace khronos::api
