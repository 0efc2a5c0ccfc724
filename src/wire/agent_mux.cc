#include "wire/agent_mux.h"

#include <utility>

namespace khronos::wire {

AgentMux::AgentMux(runtime::Loop& loop, std::vector<Way> ways)
    : loop_(loop), ways_(std::move(ways)) {}

void AgentMux::set_handler(Handler handler) {
    handler_ = std::move(handler);
    for (const Way& way : ways_) {
        Handler one;
        one.on_message = [this, &way](const core::WorkerId& worker, core::FromWorker message) {
            if (std::holds_alternative<core::Hello>(message)) {
                routes_[worker] = &way;
            } else if (const auto at = routes_.find(worker);
                       at == routes_.end() || at->second != &way) {
                return;  // it has said Hello on another way since
            }
            if (handler_.on_message) handler_.on_message(worker, std::move(message));
        };
        one.on_gone = [this, &way](const core::WorkerId& worker) {
            const auto at = routes_.find(worker);
            if (at == routes_.end() || at->second != &way) return;
            routes_.erase(at);
            if (handler_.on_gone) handler_.on_gone(worker);
        };
        way.end->set_handler(std::move(one));
    }
}

void AgentMux::send(const core::WorkerId& worker, core::ToWorker message) {
    if (const auto at = routes_.find(worker); at != routes_.end())
        at->second->end->send(worker, std::move(message));
}

void AgentMux::read_output(const core::WorkerId& worker, const OutputQuery& query,
                           OutputAnswer done) {
    if (const auto at = routes_.find(worker); at != routes_.end())
        return at->second->outputs->read_output(worker, query, std::move(done));
    loop_.post([done = std::move(done)]() mutable {
        done(std::unexpected(
            Error{ErrorKind::unavailable, "", "the worker is not connected to this agent"}));
    });
}

}  // namespace khronos::wire
