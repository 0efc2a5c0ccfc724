// The API's routes, subject by subject. Everything a handler does is asynchronous, on one loop.
#pragma once

#include <vector>

#include "api/router.h"
#include "api/services.h"

namespace khronos::api {

struct Context {
    Services& services;
    // The last write that this agent acknowledged: its lists are at least as new.
    Revision own_write;

    void wrote(Revision revision) { own_write = std::max(own_write, revision); }
};

void add_job_routes(std::vector<Route>& routes, Context& context);
void add_job_list_route(std::vector<Route>& routes, Context& context);
void add_history_routes(std::vector<Route>& routes, Context& context);  // /v1/jobs/:job/executions
void add_execution_routes(std::vector<Route>& routes, Context& context);  // /v1/executions
void add_schedule_routes(std::vector<Route>& routes, Context& context);   // next, why, preview
void add_agent_routes(std::vector<Route>& routes, Context& context);      // members, health, pause
void add_restore_route(std::vector<Route>& routes, Context& context);
void add_routes_to_come(std::vector<Route>& routes);  // answer 501

std::vector<Route> make_routes(Context& context);

}  // namespace khronos::api
