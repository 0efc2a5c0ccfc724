#include "sim/net.h"

#include <fmt/format.h>

#include <algorithm>

namespace khronos::sim {

namespace {

std::string text_of(const core::AttemptId& id) {
    return fmt::format("{}.{}", core::to_text(id.execution), id.attempt.value);
}
std::string text_of(const core::Hello& m) {
    std::string text = "hello, I hold";
    static constexpr const char* kStates[] = {"", "accepted", "running", "ended"};
    for (const core::HeldAttempt& held : m.held)
        text += fmt::format(" {} ({})", text_of(held.id), kStates[static_cast<int>(held.state)]);
    return text;
}
std::string text_of(const core::Accepted& m) { return "accepted " + text_of(m.id); }
std::string text_of(const core::Refused& m) { return "refused " + text_of(m.id); }
std::string text_of(const core::Started& m) { return "started " + text_of(m.id); }
std::string text_of(const core::Finished& m) { return "finished " + text_of(m.id); }
std::string text_of(const core::Heartbeat&) { return "heartbeat"; }
std::string text_of(const core::Load& m) { return fmt::format("{} slots are used", m.used); }
std::string text_of(const core::Answer& m) {
    static constexpr const char* kStates[] = {"", "accepted", "running", "ended", "never"};
    return fmt::format("{} is {}", text_of(m.id), kStates[static_cast<int>(m.state)]);
}
std::string text_of(const core::Ask& m) {
    std::string text = "ask";
    for (const core::Claimed& claimed : m.attempts) text += " " + text_of(claimed.id);
    return fmt::format("{}, {} shards", text, m.shards.size());
}
std::string text_of(const core::Rejected& m) { return "rejected: " + m.message; }
std::string text_of(const core::Welcome&) { return "welcome"; }
std::string text_of(const core::Offer& m) { return "offer " + text_of(m.spec.id); }
std::string text_of(const core::Start& m) { return "start " + text_of(m.id); }
std::string text_of(const core::Cancel& m) { return "cancel " + text_of(m.id); }
std::string text_of(const core::Acknowledge& m) { return "acknowledge " + text_of(m.id); }
std::string text_of(const core::HeartbeatAck&) { return "heartbeat acknowledged"; }

template <class Message>
std::string text_of_any(const Message& message) {
    return std::visit([](const auto& m) { return text_of(m); }, message);
}

}  // namespace

Net::Net(World& world, Seeded random) : world_(world), loop_(world, clock_, true), random_(random) {}

void Net::meet(const std::string& agent, const std::string& worker) {
    const Pair pair{agent, worker};
    const auto a = agents_.find(agent);
    const auto w = workers_.find(pair);
    if (a == agents_.end() || w == workers_.end() || !a->second->ready_ || !w->second->ready_)
        return;
    Connection& connection = connections_[pair];
    if (connection.number != 0 || connection.connecting) return;
    connection.connecting = true;
    const MonoTime soonest = std::max(world_.now(), connection.cut_until);
    loop_.call_at(soonest + random_.between(rules_.shortest, rules_.reconnect),
                  [this, pair] { connect(pair); });
}

void Net::connect(const Pair& pair) {
    Connection& connection = connections_[pair];
    connection.connecting = false;
    const auto a = agents_.find(pair.first);
    const auto w = workers_.find(pair);
    if (a == agents_.end() || w == workers_.end() || !a->second->ready_ || !w->second->ready_)
        return;
    if (connection.cut_until > world_.now()) return meet(pair.first, pair.second);
    connection.number = ++numbers_;
    connection.dead = false;
    connection.to_agent = connection.to_worker = world_.now();
    WorkerPort& port = *w->second;
    port.loop_.post([&port, number = connection.number] {
        port.known_ = number;
        port.handler_.on_connected();
    });
}

void Net::drop(const Pair& pair) {
    Connection& connection = connections_[pair];
    const std::uint64_t number = std::exchange(connection.number, 0);
    if (number == 0) return;
    if (const auto w = workers_.find(pair); w != workers_.end()) {
        WorkerPort& port = *w->second;
        port.loop_.post([&port, number] {
            if (port.known_ != number) return;
            port.known_ = 0;
            port.handler_.on_gone();
        });
    }
    if (const auto a = agents_.find(pair.first); a != agents_.end()) {
        AgentPort& port = *a->second;
        port.loop_.post([&port, worker = pair.second, number] {
            const auto known = port.known_.find(worker);
            if (known == port.known_.end() || known->second != number) return;
            port.known_.erase(known);
            port.handler_.on_gone(worker);
        });
    }
    meet(pair.first, pair.second);
}

void Net::break_all() {
    for (const auto& [pair, connection] : connections_) drop(pair);
}

void Net::cut_off(const std::string& worker, Duration time) {
    for (auto& [pair, connection] : connections_) {
        if (pair.second != worker) continue;
        connection.cut_until = std::max(connection.cut_until, world_.now() + time);
        if (connection.number == 0 || connection.dead) continue;
        connection.dead = true;
        loop_.call_after(random_.between(Duration(0), Duration(std::chrono::seconds(8))),
                         [this, pair, number = connection.number] {
                             if (connections_[pair].number == number) drop(pair);
                         });
    }
}

void Net::to_agent(const Pair& pair, std::uint64_t number, core::FromWorker message) {
    Connection& connection = connections_[pair];
    if (number == 0 || connection.number != number || connection.dead) return;
    connection.to_agent = std::max(connection.to_agent, world_.now() + delay());
    loop_.call_at(connection.to_agent, [this, pair, number, m = std::move(message)]() mutable {
        const auto a = agents_.find(pair.first);
        const Connection& now = connections_[pair];
        if (now.number != number || now.dead || a == agents_.end()) return;
        AgentPort& port = *a->second;
        port.loop_.post([&port, worker = pair.second, number, m = std::move(m)]() mutable {
            if (std::holds_alternative<core::Hello>(m)) port.known_[worker] = number;
            const auto known = port.known_.find(worker);
            if (known == port.known_.end() || known->second != number) return;
            if (port.net_.on_story) port.net_.on_story(worker + " says: " + text_of_any(m));
            port.handler_.on_message(worker, std::move(m));
        });
    });
}

void Net::to_worker(const Pair& pair, std::uint64_t number, core::ToWorker message) {
    Connection& connection = connections_[pair];
    if (number == 0 || connection.number != number || connection.dead) return;
    connection.to_worker = std::max(connection.to_worker, world_.now() + delay());
    loop_.call_at(connection.to_worker, [this, pair, number, m = std::move(message)]() mutable {
        const auto w = workers_.find(pair);
        const Connection& now = connections_[pair];
        if (now.number != number || now.dead || w == workers_.end()) return;
        WorkerPort& port = *w->second;
        port.loop_.post([&port, number, m = std::move(m)]() mutable {
            if (port.known_ != number) return;
            if (port.net_.on_story) port.net_.on_story(port.pair_.first + " says: " + text_of_any(m));
            port.handler_.on_message(std::move(m));
        });
    });
}

// ---- ports

Net::AgentPort::AgentPort(Net& net, std::string agent, SimLoop& loop)
    : net_(net), name_(std::move(agent)), loop_(loop) {
    net_.agents_[name_] = this;
}

Net::AgentPort::~AgentPort() {
    net_.agents_.erase(name_);
    for (const auto& [pair, connection] : net_.connections_)
        if (pair.first == name_) net_.drop(pair);
}

void Net::AgentPort::send(const core::WorkerId& worker, core::ToWorker message) {
    const auto known = known_.find(worker);
    if (known != known_.end()) net_.to_worker({name_, worker}, known->second, std::move(message));
}

void Net::AgentPort::set_handler(Handler handler) {
    handler_ = std::move(handler);
    ready_ = true;
    for (const auto& [pair, port] : net_.workers_)
        if (pair.first == name_) net_.meet(pair.first, pair.second);
}

Net::WorkerPort::WorkerPort(Net& net, std::string worker, std::string agent, SimLoop& loop)
    : net_(net), pair_(std::move(agent), std::move(worker)), loop_(loop) {
    net_.workers_[pair_] = this;
}

Net::WorkerPort::~WorkerPort() {
    net_.workers_.erase(pair_);
    net_.drop(pair_);
}

void Net::WorkerPort::send(core::FromWorker message) {
    net_.to_agent(pair_, known_, std::move(message));
}

void Net::WorkerPort::set_handler(Handler handler) {
    handler_ = std::move(handler);
    ready_ = true;
    net_.meet(pair_.first, pair_.second);
}

}  // namespace khronos::sim
