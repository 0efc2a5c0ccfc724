#include <gtest/gtest.h>

#include <algorithm>

#include "base/limits.h"
#include "wire/grpc/link_testing.h"

namespace khronos::wire {
namespace {

core::AttemptId an_attempt() {
    core::AttemptId id;
    id.execution.uid = JobUid(7);
    id.execution.trigger.at = WallTime::from_seconds(1704067200);
    id.attempt = AttemptNo(1);
    return id;
}

core::Offer an_offer(std::size_t bytes) {
    core::Offer offer;
    offer.spec.id = an_attempt();
    offer.spec.payload = std::string(bytes, 'x');
    return offer;
}

struct GrpcLink : ::testing::Test {
    runtime::ManualLoop loop;

    template <class Condition>
    void until(Condition condition) {
        loop.run_until(condition);
    }
};

TEST_F(GrpcLink, DeliversBothWaysInOrderAfterTheHello) {
    TestServer agent(loop);
    agent.begin();
    TestWorker worker(loop, link_to(agent.address()));
    worker.link.start();
    until([&] { return !agent.heard.empty(); });
    EXPECT_EQ(agent.heard[0].first, "w");
    EXPECT_EQ(std::get<core::Hello>(agent.heard[0].second).boot_id, "boot-1");
    constexpr std::uint64_t kMessages = 5000;
    for (std::uint64_t i = 1; i <= kMessages; ++i) {
        worker.link.send(core::Heartbeat{i, MonoTime{1}, {}});
        agent.server.send("w", core::HeartbeatAck{i});
    }
    until([&] { return agent.heard.size() > kMessages && worker.heard.size() >= kMessages; });
    for (std::uint64_t i = 1; i <= kMessages; ++i) {
        EXPECT_EQ(std::get<core::Heartbeat>(agent.heard[i].second).sequence, i);
        EXPECT_EQ(std::get<core::HeartbeatAck>(worker.heard[i - 1]).sequence, i);
    }
    EXPECT_EQ(agent.server.stats().streams, 1u);
}

TEST_F(GrpcLink, LetsWorkersWaitUntilSomebodyListensToThem) {
    TestServer agent(loop);
    TestWorker worker(loop, link_to(agent.address()));
    worker.link.start();
    until([&] { return agent.server.stats().waiting == 1; });
    EXPECT_EQ(worker.connected, 0);
    agent.begin();
    until([&] { return !agent.heard.empty(); });
    EXPECT_EQ(worker.connected, 1);
}

TEST_F(GrpcLink, TellsBothEndsWhenTheOtherIsGone) {
    TestServer agent(loop);
    agent.begin();
    {
        TestWorker worker(loop, link_to(agent.address()));
        worker.link.start();
        until([&] { return !agent.heard.empty(); });
    }
    until([&] { return !agent.gone.empty(); });
    EXPECT_EQ(agent.gone, std::vector<core::WorkerId>{"w"});
    agent.server.send("w", core::HeartbeatAck{1});  // nobody is there
    EXPECT_EQ(agent.server.stats().streams, 0u);
}

TEST_F(GrpcLink, ComesBackToAnAgentThatWasStartedAnew) {
    auto agent = std::make_unique<TestServer>(loop);
    agent->begin();
    WorkerServerConfig again;
    again.port = agent->server.port();
    TestWorker worker(loop, link_to(agent->address()));
    worker.link.start();
    until([&] { return !agent->heard.empty(); });
    agent.reset();
    until([&] { return worker.gone == 1; });
    EXPECT_FALSE(worker.link.connected());
    worker.link.send(core::Heartbeat{});  // lost with the connection

    agent = std::make_unique<TestServer>(loop, again);
    agent->begin();
    while (agent->heard.empty()) {
        // The wait before the next try, and whatever the network does then.
        if (loop.posted() == 0 && loop.next_timer() &&
            *loop.next_timer() - loop.mono_now() < Duration(6s) && !worker.link.connected())
            loop.advance_to(*loop.next_timer());
        loop.run_one_blocking();
    }
    EXPECT_TRUE(std::holds_alternative<core::Hello>(agent->heard[0].second));
    EXPECT_EQ(worker.connected, 2);
}

TEST_F(GrpcLink, WaitsLongerAfterEachFailureWithJitterAndAnEnd) {
    AgentLinkConfig nobody = link_to("127.0.0.1:1");
    nobody.retry_most = 1s;
    TestWorker worker(loop, nobody);
    worker.link.start();
    std::vector<Duration> waits;
    while (waits.size() < 8) {
        // Not the time-out of the try itself, which is ten seconds.
        until([&] { return loop.next_timer() && *loop.next_timer() - loop.mono_now() <= 1s; });
        waits.push_back(*loop.next_timer() - loop.mono_now());
        loop.advance_to(*loop.next_timer());
    }
    Duration most = 100ms;
    for (const Duration& wait : waits) {
        EXPECT_GE(wait, most / 2);
        EXPECT_LE(wait, most);
        most = std::min<Duration>(most * 2, 1s);
    }
    EXPECT_EQ(worker.connected, 0);
}

TEST_F(GrpcLink, LetsInWithTheJoinTokenOnly) {
    WorkerServerConfig closed;
    closed.join_token = "a-token-of-some-length";
    TestServer agent(loop, closed);
    agent.begin();
    TestWorker none(loop, link_to(agent.address()), "none");
    TestWorker wrong(loop, link_to(agent.address(), "a-token-of-some-lengtH"), "wrong");
    TestWorker right(loop, link_to(agent.address(), "a-token-of-some-length"), "right");
    none.link.start();
    wrong.link.start();
    until([&] { return agent.server.stats().refused == 2; });
    right.link.start();
    until([&] { return !agent.heard.empty(); });
    EXPECT_EQ(agent.heard[0].first, "right");
    EXPECT_EQ(none.connected, 0);
    EXPECT_EQ(wrong.connected, 0);
    EXPECT_EQ(agent.server.stats().streams, 1u);
}

TEST_F(GrpcLink, TellsEveryWorkerWhereTheAgentsAre) {
    TestServer agent(loop);
    agent.begin();
    TestWorker first(loop, link_to(agent.address()), "first");
    first.link.start();
    until([&] { return agent.heard.size() == 1; });
    const std::vector<std::string> two{"10.0.0.1:10005", "10.0.0.2:10005"};
    agent.server.set_agents(two);
    agent.server.set_agents(two);  // nothing new
    until([&] { return !first.agents.empty(); });
    TestWorker second(loop, link_to(agent.address()), "second");
    second.link.start();
    until([&] { return agent.heard.size() == 2; });
    agent.server.send("second", core::Welcome{"agent"});
    until([&] { return !second.agents.empty(); });
    agent.server.set_agents({"10.0.0.2:10005"});
    until([&] { return first.agents.size() == 2 && second.agents.size() == 2; });
    EXPECT_EQ(first.agents[0], two);
    EXPECT_EQ(second.agents[0], two);
    EXPECT_EQ(first.agents[1], std::vector<std::string>{"10.0.0.2:10005"});
}

// ---- who a worker is

TEST_F(GrpcLink, TurnsAwayASecondStreamOfOneProcessByAnotherAddress) {
    TestServer agent(loop);
    agent.begin();
    TestWorker first(loop, link_to(agent.address()));
    first.link.start();
    until([&] { return agent.heard.size() == 1; });
    TestWorker second(loop, link_to("localhost:" + std::to_string(agent.server.port())));
    second.link.start();
    until([&] { return second.gone == 1; });
    EXPECT_TRUE(agent.gone.empty());
    EXPECT_TRUE(first.link.connected());
    EXPECT_EQ(agent.heard.size(), 1u);
}

TEST_F(GrpcLink, ANewStreamOfOneProcessByTheSameAddressTakesThePlaceOfTheOld) {
    TestServer agent(loop);
    agent.begin();
    TestWorker first(loop, link_to(agent.address()));
    first.link.start();
    until([&] { return agent.heard.size() == 1; });
    TestWorker second(loop, link_to(agent.address()));
    second.link.start();
    until([&] { return agent.heard.size() == 2 && first.gone == 1; });
    EXPECT_EQ(agent.gone, std::vector<core::WorkerId>{"w"});
    agent.server.send("w", core::HeartbeatAck{1});
    until([&] { return !second.heard.empty(); });
}

TEST_F(GrpcLink, CutsOffTwoLivingProcessesThatAreTheSameWorker) {
    TestServer agent(loop);
    agent.begin();
    TestWorker first(loop, link_to(agent.address()), "w", "boot-1");
    first.link.start();
    until([&] { return agent.heard.size() == 1; });
    TestWorker second(loop, link_to(agent.address()), "w", "boot-2");
    second.link.start();
    until([&] { return first.gone == 1 && second.gone == 1; });
    EXPECT_EQ(agent.gone, std::vector<core::WorkerId>{"w"});
    EXPECT_EQ(agent.heard.size(), 1u);
    EXPECT_EQ(agent.server.stats().cut, 2u);
}

TEST_F(GrpcLink, ANewProcessTakesThePlaceOfASilentOne) {
    TestServer agent(loop);
    agent.begin();
    TestWorker first(loop, link_to(agent.address()), "w", "boot-1");
    first.link.start();
    until([&] { return agent.heard.size() == 1; });
    loop.advance(3s);
    TestWorker second(loop, link_to(agent.address()), "w", "boot-2");
    second.link.start();
    until([&] { return agent.heard.size() == 2; });
    EXPECT_EQ(std::get<core::Hello>(agent.heard[1].second).boot_id, "boot-2");
    EXPECT_EQ(agent.gone, std::vector<core::WorkerId>{"w"});
}

// ---- what does not keep to the protocol

TEST_F(GrpcLink, CutsAStreamThatSaysNoHelloInTime) {
    TestServer agent(loop);
    agent.begin();
    TestWorker worker(loop, link_to(agent.address()));
    worker.says_hello = false;
    worker.link.start();
    until([&] { return worker.connected == 1; });
    loop.advance(10s);
    EXPECT_EQ(agent.server.stats().cut, 1u);
    until([&] { return worker.gone == 1; });
}

TEST_F(GrpcLink, CutsAStreamThatBeginsWithAnythingButAHello) {
    TestServer agent(loop);
    agent.begin();
    TestWorker worker(loop, link_to(agent.address()));
    worker.says_hello = false;
    worker.link.start();
    until([&] { return worker.connected == 1; });
    worker.link.send(core::Heartbeat{});
    until([&] { return worker.gone == 1; });
    EXPECT_TRUE(agent.heard.empty());
    EXPECT_TRUE(agent.gone.empty());
}

TEST_F(GrpcLink, CutsAWorkerThatLetsTooMuchGather) {
    TestServer agent(loop);
    agent.begin();
    TestWorker worker(loop, link_to(agent.address()));
    worker.link.start();
    until([&] { return !agent.heard.empty(); });
    const core::Offer large = an_offer(8 << 20);
    // The first is on its way at once, and frees its place in the queue.
    for (std::size_t i = 0; i <= limits::kWireQueueBytes / (8 << 20); ++i)
        agent.server.send("w", large);
    EXPECT_EQ(agent.gone, std::vector<core::WorkerId>{"w"});
    EXPECT_EQ(agent.server.stats().cut, 1u);
    until([&] { return worker.gone == 1; });
}

TEST_F(GrpcLink, BringsTheLargestOffer) {
    TestServer agent(loop);
    agent.begin();
    TestWorker worker(loop, link_to(agent.address()));
    worker.link.start();
    until([&] { return !agent.heard.empty(); });
    const core::Offer large = an_offer(limits::kWireMessageBytes - 1000);
    agent.server.send("w", large);
    until([&] { return !worker.heard.empty(); });
    EXPECT_EQ(worker.heard[0], core::ToWorker(large));
}

TEST_F(GrpcLink, SaysWhichPortIsTaken) {
    TestServer first(loop);
    WorkerServerConfig same = TestServer::with_ip({});
    same.port = first.server.port();
    runtime::NoLog log;
    WorkerServer second(same, loop, log);
    const auto started = second.start();
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message.find(std::to_string(same.port)), std::string::npos);
    EXPECT_NE(started.error().message.find("in use"), std::string::npos);
}

TEST_F(GrpcLink, RefusesAShortSecret) {
    WorkerServerConfig config = TestServer::with_ip({});
    config.join_token = std::string(limits::kSecretBytesMin - 1, 's');
    EXPECT_FALSE(config.validate());
    config.join_token += 's';
    EXPECT_TRUE(config.validate());
}

// ---- outputs

struct GrpcOutput : GrpcLink {
    std::vector<std::expected<OutputPart, Error>> answers;
    void ask(TestServer& agent, OutputQuery query) {
        query.id = an_attempt();
        agent.server.read_output("w", query, [this](auto part) { answers.push_back(part); });
    }
};

TEST_F(GrpcOutput, IsAskedOfTheWorkerAndAnsweredInAnyOrder) {
    TestServer agent(loop);
    agent.begin();
    TestWorker worker(loop, link_to(agent.address()));
    worker.link.start();
    until([&] { return !agent.heard.empty(); });
    ask(agent, {{}, 5, 6, false, false});
    ask(agent, {{}, 0, 7, true, false});
    until([&] { return worker.asked.size() == 2; });
    EXPECT_EQ(worker.asked[0].offset, 5u);
    EXPECT_TRUE(worker.asked[1].from_end);
    const std::string bytes("\x00\xff two", 6);
    worker.answers[1](OutputPart{bytes, 1, 7});
    until([&] { return answers.size() == 1; });
    EXPECT_EQ(answers[0], (OutputPart{bytes, 1, 7}));
    worker.answers[0](std::unexpected(Error{ErrorKind::not_found, "", "not kept"}));
    until([&] { return answers.size() == 2; });
    ASSERT_FALSE(answers[1]);
    EXPECT_EQ(answers[1].error().kind, ErrorKind::not_found);
    EXPECT_EQ(loop.timers(), 0u);  // nobody is waited for any more
}

TEST_F(GrpcOutput, IsUnavailableWhenTheWorkerIsNotThereOrLeavesOrIsSilent) {
    TestServer agent(loop);
    agent.begin();
    ask(agent, {});
    until([&] { return answers.size() == 1; });
    {
        TestWorker worker(loop, link_to(agent.address()));
        worker.link.start();
        until([&] { return !agent.heard.empty(); });
        ask(agent, {});
        until([&] { return worker.asked.size() == 1; });
        loop.advance(10s);
        EXPECT_EQ(answers.size(), 2u);
        worker.answers[0](OutputPart{});  // too late
        ask(agent, {});
        until([&] { return worker.asked.size() == 2; });
    }
    until([&] { return answers.size() == 3; });
    for (const auto& answer : answers) {
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().kind, ErrorKind::unavailable);
    }
}

}  // namespace
}  // namespace khronos::wire
