#include "wire/inproc_link.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/manual_loop.h"

namespace khronos::wire {
namespace {

// Both ends on loops of their own, each turned by hand.
struct Pair {
    Pair() : link(agent_loop, worker_loop) {
        AgentEnd::Handler agent;
        agent.on_message = [this](const core::WorkerId& id, core::FromWorker m) {
            from_worker.emplace_back(id, std::move(m));
        };
        agent.on_gone = [this](const core::WorkerId& id) { gone.push_back(id); };
        link.agent().set_handler(std::move(agent));
        WorkerEnd::Handler worker;
        worker.on_connected = [this] {
            ++connected;
            core::Hello hello;
            hello.worker = "w";
            link.worker().send(std::move(hello));
        };
        worker.on_message = [this](core::ToWorker m) { to_worker.push_back(std::move(m)); };
        worker.on_gone = [this] { ++worker_gone; };
        link.worker().set_handler(std::move(worker));
    }
    void turn() {
        while (worker_loop.run_until_idle() + agent_loop.run_until_idle() > 0) {
        }
    }

    runtime::ManualLoop agent_loop;
    runtime::ManualLoop worker_loop;
    InprocLink link;
    std::vector<std::pair<core::WorkerId, core::FromWorker>> from_worker;
    std::vector<core::ToWorker> to_worker;
    std::vector<core::WorkerId> gone;
    int connected = 0;
    int worker_gone = 0;
};

TEST(InprocLink, DeliversInOrderAndNeverInsideTheCall) {
    Pair p;
    p.link.connect();
    EXPECT_EQ(p.connected, 0);
    p.turn();
    ASSERT_EQ(p.from_worker.size(), 1u);
    EXPECT_EQ(p.from_worker[0].first, "w");
    for (std::uint64_t i = 1; i <= 3; ++i)
        p.link.agent().send("w", core::HeartbeatAck{i});
    EXPECT_TRUE(p.to_worker.empty());
    p.turn();
    ASSERT_EQ(p.to_worker.size(), 3u);
    for (std::uint64_t i = 1; i <= 3; ++i)
        EXPECT_EQ(p.to_worker[i - 1], core::ToWorker(core::HeartbeatAck{i}));
}

TEST(InprocLink, KnowsNoWorkerButItsOwn) {
    Pair p;
    p.link.agent().send("w", core::HeartbeatAck{1});  // before the connection
    p.link.connect();
    p.turn();
    p.link.agent().send("another", core::HeartbeatAck{2});
    p.turn();
    EXPECT_TRUE(p.to_worker.empty());
}

TEST(InprocLink, LosesWhatIsUnderWayTogetherWithTheConnection) {
    Pair p;
    p.link.connect();
    p.turn();
    p.from_worker.clear();
    p.link.agent().send("w", core::HeartbeatAck{1});
    p.link.worker().send(core::Heartbeat{});
    p.link.disconnect();
    p.link.connect();
    p.turn();
    EXPECT_TRUE(p.to_worker.empty());
    EXPECT_EQ(p.worker_gone, 1);
    EXPECT_EQ(p.gone, std::vector<core::WorkerId>{"w"});
    EXPECT_EQ(p.connected, 2);
    ASSERT_EQ(p.from_worker.size(), 1u);
    EXPECT_TRUE(std::holds_alternative<core::Hello>(p.from_worker[0].second));
}

TEST(InprocLink, TellsNobodyOfAConnectionThatWasNeverUsed) {
    Pair p;
    p.link.connect();
    p.link.disconnect();
    p.turn();
    EXPECT_EQ(p.connected, 0);
    EXPECT_EQ(p.worker_gone, 0);
    EXPECT_TRUE(p.gone.empty());
}

TEST(InprocLink, AnswersAQuestionForAnOutputOnceWhetherItIsConnectedOrNot) {
    Pair p;
    std::vector<std::expected<OutputPart, Error>> answers;
    const auto ask = [&](const char* worker) {
        p.link.outputs().read_output(worker, {}, [&](auto part) { answers.push_back(part); });
    };
    ask("w");
    EXPECT_TRUE(answers.empty());
    p.turn();
    p.link.connect();
    p.turn();
    ask("another");
    p.turn();
    ask("w");  // there is nobody who reads outputs
    p.turn();
    ASSERT_EQ(answers.size(), 3u);
    for (const auto& answer : answers) {
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    }

    WorkerEnd::Handler reads;
    reads.on_read_output = [](const OutputQuery& query, OutputAnswer done) {
        done(OutputPart{std::string(query.length, 'x'), query.offset, 9});
    };
    p.link.worker().set_handler(std::move(reads));
    p.link.outputs().read_output("w", {{}, 2, 3, false, false},
                                 [&](auto part) { answers.push_back(part); });
    p.turn();
    ASSERT_EQ(answers.size(), 4u);
    EXPECT_EQ(answers[3], (OutputPart{"xxx", 2, 9}));
}

}  // namespace
}  // namespace khronos::wire
