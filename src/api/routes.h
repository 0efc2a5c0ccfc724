// The API's routes, subject by subject. Everything a handler does is asynchronous, on one loop.
#pragma once

#include <memory>
#include <vector>

#include "api/audit.h"
#include "api/events.h"
#include "api/router.h"
#include "api/services.h"

namespace khronos::api {

struct Context {
    explicit Context(Services& with) : services(with), events(with) {}

    Services& services;
    EventHub events;
    // The last write that this agent acknowledged: its lists are at least as new.
    Revision own_write;
    // Of outputs. What is left of one when the routes are gone still counts itself out.
    std::shared_ptr<std::size_t> followers = std::make_shared<std::size_t>(0);

    void wrote(Revision revision) { own_write = std::max(own_write, revision); }
    // An entry of the audit log for what is no change of the store, written behind it.
    void audit(const Actor& actor, std::string_view action, std::string_view object) {
        write_audit(services, actor, action, object);
    }
};

void add_job_routes(std::vector<Route>& routes, Context& context);
void add_job_list_route(std::vector<Route>& routes, Context& context);
void add_history_routes(std::vector<Route>& routes, Context& context);  // /v1/jobs/:job/executions
void add_execution_routes(std::vector<Route>& routes, Context& context);  // /v1/executions
void add_output_routes(std::vector<Route>& routes, Context& context);
void add_schedule_routes(std::vector<Route>& routes, Context& context);  // next, why, preview
void add_agent_routes(std::vector<Route>& routes, Context& context);     // members, health, pause
void add_event_routes(std::vector<Route>& routes, Context& context);
void add_cluster_routes(std::vector<Route>& routes, Context& context);  // shards, workers, leave
void add_calendar_routes(std::vector<Route>& routes, Context& context);
void add_simulate_routes(std::vector<Route>& routes, Context& context);
void add_restore_route(std::vector<Route>& routes, Context& context);
void add_token_routes(std::vector<Route>& routes, Context& context);  // and the page's session
void add_audit_routes(std::vector<Route>& routes, Context& context);
void add_page_routes(std::vector<Route>& routes, Context& context);  // `/` and /ui/

std::vector<Route> make_routes(Context& context);

}  // namespace khronos::api
