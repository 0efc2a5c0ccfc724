// A whole worker over the real runner and journal, and an agent that plays by the protocol.
#pragma once

#include <ctime>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "wire/inproc_link.h"
#include "worker/linux/file_journal.h"
#include "worker/linux/testing/host_fixture.h"
#include "worker/noop.h"
#include "worker/worker.h"

namespace khronos::worker {

// Never ends by itself.
class Endless final : public Executor {
  public:
    explicit Endless(runtime::Loop& loop) : loop_(loop) {}
    std::optional<std::string> check(const core::RunSpec&) const override { return std::nullopt; }
    void run(const core::RunSpec& spec, FenceToken, Done done) override {
        runs_[spec.id] = std::move(done);
    }
    void cancel(const core::AttemptId& id, KilledBy why) override {
        const auto at = runs_.find(id);
        if (at == runs_.end()) return;
        loop_.post([done = std::move(at->second), why]() mutable {
            Result r;
            r.result.outcome = why == KilledBy::cancel ? core::ExecutionState::cancelled
                                                       : core::ExecutionState::lost;
            r.output = {"said\n", "", 5};
            done(std::move(r));
        });
        runs_.erase(at);
    }

  private:
    runtime::Loop& loop_;
    std::map<core::AttemptId, Done> runs_;
};

inline MonoTime boot_time() {
    timespec t{};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return MonoTime{t.tv_sec * 1000000LL + t.tv_nsec / 1000};
}

struct WorkerUnderTest {
    explicit WorkerUnderTest(const TempDir& dir)
        : host(HostUnderTest::config(dir / "runner"), loop),
          journal({dir / "attempts", "this-boot"}, loop),
          noop(loop),
          endless(loop),
          link(loop, loop) {
        WorkerConfig config;
        config.id = "w1";
        config.boot_id = "b1";
        config.node = "node-1";
        wire::AgentEnd::Handler agent;
        agent.on_message = [this](const core::WorkerId& id, core::FromWorker m) { hear(id, m); };
        link.agent().set_handler(std::move(agent));
        worker = std::make_unique<Worker>(
            std::move(config), loop, host, journal,
            std::map<std::string, Executor*>{{"noop", &noop}, {"endless", &endless}},
            std::vector<wire::WorkerEnd*>{&link.worker()});
        EXPECT_TRUE(worker->start());
        link.connect();
        wait([this] { return hello.has_value(); });
    }

    void hear(const core::WorkerId& id, const core::FromWorker& m) {
        if (const auto* h = std::get_if<core::Hello>(&m)) {
            hello = *h;
            say(core::Welcome{"agent"});
        } else if (const auto* b = std::get_if<core::Heartbeat>(&m)) {
            say(core::HeartbeatAck{b->sequence});
        } else if (const auto* a = std::get_if<core::Accepted>(&m)) {
            say(core::Start{a->id, FenceToken{++token}});
        } else if (const auto* s = std::get_if<core::Started>(&m)) {
            started.insert(s->id);
        } else if (const auto* r = std::get_if<core::Refused>(&m)) {
            refused[r->id] = *r;
        } else if (const auto* f = std::get_if<core::Finished>(&m)) {
            finished[f->id] = f->result;
            if (acknowledge) say(core::Acknowledge{f->id});
        }
        EXPECT_EQ(id, "w1");
    }
    void say(core::ToWorker m) { link.agent().send("w1", std::move(m)); }
    template <class Predicate>
    void wait(Predicate done) {
        loop.run_until(done);
    }
    core::RunResult end_of(const core::AttemptId& id) {
        wait([&] { return finished.contains(id); });
        return finished[id];
    }
    core::RunResult run(core::RunSpec spec) {
        const core::AttemptId id = spec.id;
        say(core::Offer{std::move(spec)});
        return end_of(id);
    }

    // Stands still at the machine's own time, which the runner goes by.
    runtime::ManualLoop loop{runtime::ManualLoop::kDefaultWall, boot_time()};
    RunnerHost host;
    FileJournal journal;
    Noop noop;
    Endless endless;
    wire::InprocLink link;
    std::unique_ptr<Worker> worker;
    std::optional<core::Hello> hello;
    std::uint64_t token = 100;
    bool acknowledge = true;
    std::set<core::AttemptId> started;
    std::map<core::AttemptId, core::Refused> refused;
    std::map<core::AttemptId, core::RunResult> finished;
};

inline core::RunSpec job(core::AttemptId id, std::string executor, core::StringMap config = {}) {
    core::RunSpec spec;
    spec.id = id;
    spec.job_name = "job";
    spec.scheduled_at = WallTime::from_seconds(1704067200);
    spec.executor = std::move(executor);
    spec.executor_config = std::move(config);
    spec.kill_grace = std::chrono::seconds(10);
    return spec;
}

inline core::RunSpec script(core::AttemptId id, std::string text) {
    return job(id, "shell", {{"command", std::move(text)}, {"shell", "true"}});
}

}  // namespace khronos::worker
