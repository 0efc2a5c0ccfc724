#include "wire/inproc_link.h"

#include <utility>

namespace khronos::wire {

InprocLink::InprocLink(runtime::Loop& agent_loop, runtime::Loop& worker_loop)
    : agent_loop_(agent_loop), worker_loop_(worker_loop) {}

void InprocLink::connect() {
    const std::uint64_t connection = counter_.fetch_add(1) + 1;
    connection_.store(connection, std::memory_order_release);
    worker_loop_.post([this, connection] {
        if (!is_present(connection)) return;
        worker_.connected_ = connection;
        if (worker_.handler_.on_connected) worker_.handler_.on_connected();
    });
}

void InprocLink::disconnect() {
    const std::uint64_t connection = connection_.exchange(0);
    if (connection == 0) return;
    worker_loop_.post([this, connection] {
        if (worker_.connected_ != connection) return;
        worker_.connected_ = 0;
        if (worker_.handler_.on_gone) worker_.handler_.on_gone();
    });
    agent_loop_.post([this, connection] {
        if (agent_.connected_ != connection) return;
        agent_.connected_ = 0;
        if (agent_.handler_.on_gone) agent_.handler_.on_gone(std::exchange(agent_.worker_, {}));
    });
}

void InprocLink::Agent::send(const core::WorkerId& worker, core::ToWorker message) {
    const std::uint64_t connection = connected_;
    if (!link_.is_present(connection) || worker != worker_) return;
    link_.worker_loop_.post([&link = link_, connection, m = std::move(message)]() mutable {
        if (link.is_present(connection) && link.worker_.connected_ == connection &&
            link.worker_.handler_.on_message)
            link.worker_.handler_.on_message(std::move(m));
    });
}

void InprocLink::Agent::read_output(const core::WorkerId& worker, const OutputQuery& query,
                                    OutputAnswer done) {
    const std::uint64_t connection = connected_;
    if (!link_.is_present(connection) || worker != worker_)
        return link_.agent_loop_.post([done = std::move(done)]() mutable {
            done(std::unexpected(Error{ErrorKind::unavailable, "", "the worker is not connected"}));
        });
    OutputAnswer answer = [&link = link_, done = std::move(done)](auto part) mutable {
        link.agent_loop_.post(
            [part = std::move(part), done = std::move(done)]() mutable { done(std::move(part)); });
    };
    link_.worker_loop_.post([&link = link_, connection, query,
                             answer = std::move(answer)]() mutable {
        if (link.is_present(connection) && link.worker_.handler_.on_read_output)
            return link.worker_.handler_.on_read_output(query, std::move(answer));
        answer(std::unexpected(Error{ErrorKind::unavailable, "", "the worker is not connected"}));
    });
}

void InprocLink::Worker::send(core::FromWorker message) {
    const std::uint64_t connection = connected_;
    if (!link_.is_present(connection)) return;
    link_.agent_loop_.post([&link = link_, connection, m = std::move(message)]() mutable {
        if (!link.is_present(connection)) return;
        Agent& agent = link.agent_;
        if (const auto* hello = std::get_if<core::Hello>(&m)) {
            agent.connected_ = connection;
            agent.worker_ = hello->worker;
        }
        if (agent.connected_ != connection || !agent.handler_.on_message) return;
        // A copy: the handler may disconnect, which takes the name away.
        const core::WorkerId worker = agent.worker_;
        agent.handler_.on_message(worker, std::move(m));
    });
}

}  // namespace khronos::wire
