// What the tests of the dispatch engine share.
#pragma once

#include <gtest/gtest.h>

#include "core/dispatch/dispatch_engine.h"

namespace khronos::core {

using namespace std::chrono_literals;
using What = WriteExecution::What;

inline WallTime at(std::int64_t seconds) {
    return WallTime::from_seconds(1704067200 + seconds);
}

// A dispatcher whose writes and messages a test looks at, and answers.
class Dispatch : public testing::Test {
  protected:
    static DispatchEngine::Config config() {
        DispatchEngine::Config config;
        config.token_base = 1000;
        return config;
    }
    explicit Dispatch(DispatchEngine::Config c = config()) : engine_(std::move(c)) {}

    Now now() const { return {wall_, MonoTime{wall_.us}}; }
    void start() {
        for (std::uint16_t shard = 0; shard < kShardCount; ++shard)
            engine_.shard_loaded(ShardId(shard), now(), effects_);
    }
    void hello(const WorkerId& id, std::uint32_t slots = 10, std::vector<HeldAttempt> held = {},
               std::vector<std::string> applications = {"default"}) {
        Hello h;
        h.worker = id;
        h.node = "node of " + id;
        h.applications = std::move(applications);
        h.slots = slots;
        h.held = std::move(held);
        say(id, h);
    }
    void say(const WorkerId& id, FromWorker message) {
        engine_.from_worker(id, message, now(), effects_, 0);
    }
    static ExecutionId id(std::uint64_t n) {
        return {JobUid(n), {TriggerKind::tick, at(0), 0}, 0};
    }
    static Execution waiting(std::uint64_t n) {
        Execution e;
        e.id = id(n);
        e.job_name = "job";
        e.scheduled_at = e.decided_at = at(0);
        return e;
    }
    Execution claimed(std::uint64_t n, const WorkerId& worker) {
        Execution e = waiting(n);
        e.state = ExecutionState::claimed;
        e.worker = worker;
        return e;
    }
    RunPlan plan() {
        RunPlan p;
        p.run.application = "default";
        return p;
    }
    void open(Execution e, RunPlan p) {
        p.run.id.execution = e.id;
        engine_.open(std::move(e), Revision(7), std::move(p), now(), effects_);
    }
    // Opened, offered, accepted, claimed and started on w.
    void run_one(RunPlan p) {
        open(waiting(1), std::move(p));
        say("w", Accepted{attempt(1)});
        engine_.write_applied(id(1), Revision(20), now(), effects_);
        effects_.clear();
    }
    static AttemptId attempt(std::uint64_t n, std::uint32_t number = 1) {
        return {id(n), AttemptNo(number)};
    }
    Finished finished(ExecutionState outcome, std::uint32_t number = 1,
                      std::uint64_t token = 1020) {
        Finished f{attempt(1, number), FenceToken(token), {}};
        f.result.outcome = outcome;
        f.result.finished_at = wall_;
        return f;
    }
    template <class Message>
    std::vector<Message> sent() const {
        std::vector<Message> found;
        for (const DispatchEffect& effect : effects_)
            if (const auto* send = std::get_if<SendToWorker>(&effect))
                if (const auto* message = std::get_if<Message>(&send->message))
                    found.push_back(*message);
        return found;
    }
    std::vector<CheckHeld> checks() const {
        std::vector<CheckHeld> found;
        for (const DispatchEffect& effect : effects_)
            if (const auto* check = std::get_if<CheckHeld>(&effect)) found.push_back(*check);
        return found;
    }
    RunResult lost() const {
        RunResult result;
        result.outcome = ExecutionState::lost;
        result.reason = Reason::worker_lost;
        result.finished_at = wall_;
        return result;
    }
    std::vector<WriteExecution> writes() const {
        std::vector<WriteExecution> found;
        for (const DispatchEffect& effect : effects_)
            if (const auto* write = std::get_if<WriteExecution>(&effect)) found.push_back(*write);
        return found;
    }

    void pass(Duration time) {
        wall_ = wall_ + time;
        engine_.look(now(), effects_, 0);
        engine_.wake(now(), effects_);
    }

    DispatchEngine engine_;
    DispatchEffects effects_;
    WallTime wall_ = at(0);
};

}  // namespace khronos::core
