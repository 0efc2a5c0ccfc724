#include "sim/model_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace khronos::sim {

using core::AttemptId;
using core::HeldState;

ModelWorker::ModelWorker(World& world, const WallClock& clock, Net& net, Machine& machine,
                         std::vector<std::string> agents, Rules rules, Seeded random)
    : machine_(machine),
      rules_(rules),
      random_(random),
      loop_(world, clock),
      boot_id_(fmt::format("{:016x}", random_.next())) {
    if (!rules_.keeps_accepted)
        std::erase_if(machine_.notes,
                      [](const auto& note) { return note.second.state == HeldState::accepted; });
    machine_.on_ended = [this](const AttemptId& id) {
        loop_.post([this, id] { ended(id); });
    };
    for (std::size_t i = 0; i < agents.size(); ++i) {
        ports_.push_back(
            std::make_unique<Net::WorkerPort>(net, machine_.worker(), agents[i], loop_));
        ports_.back()->set_handler({
            [this, i] { hello(i); },
            [this, i](core::ToWorker message) {
                std::visit([&](const auto& m) { hear(i, m); }, message);
            },
            [] {},
        });
    }
}

ModelWorker::~ModelWorker() { machine_.on_ended = nullptr; }

void ModelWorker::hello(std::size_t link) {
    core::Hello hello;
    hello.worker = machine_.worker();
    hello.boot_id = boot_id_;
    hello.node = machine_.worker();
    hello.applications = {"default"};
    hello.slots = rules_.slots;
    for (const auto& [id, note] : machine_.notes)
        hello.held.push_back({id, note.token, note.state, note.result, note.spec.shard});
    say(link, std::move(hello));
}

void ModelWorker::hear(std::size_t link, const core::Offer& offer) {
    const AttemptId id = offer.spec.id;
    spoken_[id] = link;
    if (const auto known = machine_.notes.find(id); known != machine_.notes.end()) {
        const Machine::Note& note = known->second;
        switch (note.state) {
            case HeldState::accepted: return say(link, core::Accepted{id, note.spec.shard});
            case HeldState::running: return say(link, core::Started{id, note.token, {}});
            case HeldState::ended:
                return say(link, core::Finished{id, note.token, note.result, note.spec.shard});
        }
    }
    if (writing_.contains(id)) return;
    const bool full = machine_.notes.size() + writing_.size() >= rules_.slots;
    if (full || random_.chance(rules_.refuses))
        return say(link, core::Refused{id, core::Reason::no_worker, "not now", true});
    writing_[id] = offer.spec;
    loop_.call_after(random_.between(Duration(0), rules_.disk), [this, id] {
        const auto at = writing_.find(id);
        if (at == writing_.end()) return;  // cancelled meanwhile
        machine_.notes[id] = {HeldState::accepted, std::move(at->second), {}, {}};
        writing_.erase(at);
        say(spoken_[id], core::Accepted{id, machine_.notes[id].spec.shard});
    });
}

void ModelWorker::hear(std::size_t link, const core::Start& start) {
    const AttemptId id = start.id;
    spoken_[id] = link;
    const auto at = machine_.notes.find(id);
    const auto refused = machine_.refused.find(id);
    if (at == machine_.notes.end() ||
        (refused != machine_.refused.end() && start.token <= refused->second))
        return say(link, core::Refused{id, core::Reason::worker_lost, "never accepted", true});
    Machine::Note& note = at->second;
    switch (note.state) {
        case HeldState::accepted:
            note.state = HeldState::running;
            note.token = start.token;
            machine_.run(note.spec, start.token);
            say(link, core::Started{id, start.token, loop_.wall_now()});
            break;
        case HeldState::running:
            say(link, core::Started{id, note.token, {}});
            break;
        case HeldState::ended:
            say(link, core::Finished{id, note.token, note.result, note.spec.shard});
            break;
    }
}

void ModelWorker::hear(std::size_t link, const core::Cancel& cancel) {
    const AttemptId id = cancel.id;
    spoken_[id] = link;
    writing_.erase(id);
    const auto at = machine_.notes.find(id);
    if (at == machine_.notes.end() || at->second.state == HeldState::accepted) {
        if (at != machine_.notes.end()) machine_.notes.erase(at);
        return say(link, core::Refused{id, cancel.reason, "cancelled before it started", true});
    }
    if (at->second.token > cancel.token) return;
    if (at->second.state == HeldState::running) {
        machine_.kill(id);
    } else {
        say(link, core::Finished{id, at->second.token, at->second.result, at->second.spec.shard});
    }
}

void ModelWorker::hear(std::size_t, const core::Acknowledge& acknowledge) {
    const auto at = machine_.notes.find(acknowledge.id);
    if (at == machine_.notes.end()) return;
    // Nobody's any more: it may not run on.
    if (at->second.state == HeldState::running) machine_.kill(acknowledge.id);
    machine_.notes.erase(at);
    spoken_.erase(acknowledge.id);
}

void ModelWorker::hear(std::size_t link, const core::Ask& ask) {
    std::set<AttemptId> asked;
    for (const core::Claimed& claimed : ask.attempts) asked.insert(claimed.id);
    for (const core::Claimed& claimed : ask.attempts)
        if (!machine_.notes.contains(claimed.id)) {
            writing_.erase(claimed.id);
            FenceToken& refused = machine_.refused[claimed.id];
            refused = std::max(refused, claimed.token);
            say(link, core::Answer{claimed.id, claimed.token, core::AnswerState::never, {}, {}});
        }
    for (const auto& [id, note] : machine_.notes) {
        const bool of_shard =
            std::ranges::find(ask.shards, note.spec.shard) != ask.shards.end();
        if (!asked.contains(id) && !of_shard) continue;
        spoken_[id] = link;
        core::Answer answer{id, note.token, core::AnswerState::running, {}, note.spec.shard};
        if (note.state == HeldState::accepted) answer.state = core::AnswerState::accepted;
        if (note.state == HeldState::ended) {
            answer.state = core::AnswerState::ended;
            answer.result = note.result;
        }
        say(link, std::move(answer));
    }
}

void ModelWorker::ended(const AttemptId& id) {
    const auto at = machine_.notes.find(id);
    if (at == machine_.notes.end() || at->second.state != HeldState::ended) return;
    const auto link = spoken_.find(id);
    say(link == spoken_.end() ? 0 : link->second,
        core::Finished{id, at->second.token, at->second.result, at->second.spec.shard});
}

}  // namespace khronos::sim
