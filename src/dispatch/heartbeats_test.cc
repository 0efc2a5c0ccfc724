#include "dispatch/heartbeats.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/manual_loop.h"
#include "store/keys.h"
#include "store/memory/memory_backend.h"

namespace khronos::dispatch {
namespace {

using namespace std::chrono_literals;
using Fate = store::RequestFault::Fate;

// While it is out, a write is carried out and its answer is lost.
class Outage final : public store::FaultPlan {
  public:
    store::RequestFault on_request(const store::RequestInfo& request) override {
        store::RequestFault fault;
        if (out && request.kind == store::RequestKind::write) fault.fate = Fate::lose_answer;
        return fault;
    }
    bool out = false;
};

class HeartbeatsTest : public testing::Test {
  protected:
    HeartbeatsTest()
        : backend(loop),
          store(backend, loop, "agent"),
          heartbeats(store, loop, {"agent", 200ms, 60s, 24h}, events()) {
        backend.set_faults(&outage);
        heartbeats.start();
        loop.run_until_idle();
    }
    Heartbeats::Events events() {
        Heartbeats::Events events;
        events.on_committed = [this](const core::WorkerId& worker, const std::string&,
                                     std::uint64_t sequence) {
            committed.emplace_back(worker, sequence);
        };
        events.on_seen = [this](const core::WorkerId& worker, Revision revision,
                                const store::WorkerHeartbeat&) { seen[worker] = revision; };
        return events;
    }

    Outage outage;
    runtime::ManualLoop loop;
    store::MemoryBackend backend;
    store::MemoryStore store;
    Heartbeats heartbeats;
    std::vector<std::pair<core::WorkerId, std::uint64_t>> committed;
    std::map<core::WorkerId, Revision> seen;
};

TEST_F(HeartbeatsTest, OfManyWorkersGoIntoOneTransaction) {
    const Revision before = backend.state().revision();
    for (int i = 0; i < 100; ++i) heartbeats.commit("w" + std::to_string(i), "b", 7);
    EXPECT_TRUE(committed.empty());
    loop.advance(1s);
    EXPECT_EQ(committed.size(), 100u);
    EXPECT_EQ(backend.state().revision().value, before.value + 1);
    EXPECT_EQ(seen.size(), 100u);
}

TEST_F(HeartbeatsTest, AreNotCommittedWhereTheOutcomeIsNotKnown) {
    outage.out = true;
    heartbeats.commit("w", "b", 1);
    loop.advance(5s);
    EXPECT_TRUE(committed.empty());
    EXPECT_TRUE(seen.contains("w"));  // it was, but nobody may rely on that
    outage.out = false;
    heartbeats.commit("w", "b", 2);
    loop.advance(1s);
    EXPECT_EQ(committed, (std::vector<std::pair<core::WorkerId, std::uint64_t>>{{"w", 2}}));
}

TEST_F(HeartbeatsTest, AWorkerThatWasSilentForADayLeavesNothing) {
    heartbeats.commit("w", "b", 1);
    loop.advance(1s);
    EXPECT_NE(seen.at("w"), Revision{});
    loop.advance(25h);
    EXPECT_EQ(seen.at("w"), Revision{});
}

}  // namespace
}  // namespace khronos::dispatch
