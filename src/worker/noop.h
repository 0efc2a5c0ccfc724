// The executor that does nothing and succeeds: for tests and benchmarks.
#pragma once

#include <memory>

#include "runtime/loop.h"
#include "worker/executor.h"

namespace khronos::worker {

class Noop final : public Executor {
  public:
    explicit Noop(runtime::Loop& loop) : loop_(loop) {}
    std::optional<std::string> check(const core::RunSpec&) const override { return std::nullopt; }
    void run(const core::RunSpec&, FenceToken, Done done) override {
        const WallTime at = loop_.wall_now();
        loop_.post([at, done = std::move(done)]() mutable {
            Result result;
            result.result.outcome = core::ExecutionState::succeeded;
            result.result.started_at = at;
            result.result.finished_at = at;
            done(std::move(result));
        });
    }
    void cancel(const core::AttemptId&, KilledBy) override {}  // it has ended already

  private:
    runtime::Loop& loop_;
};

}  // namespace khronos::worker
