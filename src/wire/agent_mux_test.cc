#include "wire/agent_mux.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/manual_loop.h"

namespace khronos::wire {
namespace {

struct FakeEnd final : AgentEnd, OutputSource {
    void send(const core::WorkerId& worker, core::ToWorker) override { sent.push_back(worker); }
    void set_handler(Handler h) override { handler = std::move(h); }
    void read_output(const core::WorkerId& worker, const OutputQuery&, OutputAnswer) override {
        asked.push_back(worker);
    }
    void hello(const std::string& worker) {
        core::Hello hello;
        hello.worker = worker;
        handler.on_message(worker, std::move(hello));
    }
    Handler handler;
    std::vector<std::string> sent;
    std::vector<std::string> asked;
};

struct AgentMuxTest : ::testing::Test {
    AgentMuxTest() {
        mux.set_handler(
            {[this](const core::WorkerId& worker, core::FromWorker) { heard.push_back(worker); },
             [this](const core::WorkerId& worker) { gone.push_back(worker); }});
    }
    runtime::ManualLoop loop;
    FakeEnd here;
    FakeEnd there;
    AgentMux mux{loop, {{&here, &here}, {&there, &there}}};
    std::vector<std::string> heard;
    std::vector<std::string> gone;
};

using Words = std::vector<std::string>;

TEST_F(AgentMuxTest, SpeaksToAWorkerOnTheWayOfItsLastHello) {
    here.hello("a");
    there.hello("b");
    mux.send("a", core::HeartbeatAck{1});
    mux.send("b", core::HeartbeatAck{1});
    mux.send("nobody", core::HeartbeatAck{1});
    EXPECT_EQ(here.sent, Words{"a"});
    EXPECT_EQ(there.sent, Words{"b"});
    there.hello("a");
    mux.send("a", core::HeartbeatAck{2});
    EXPECT_EQ(there.sent, (Words{"b", "a"}));
    mux.read_output("a", {}, [](auto) {});
    EXPECT_EQ(there.asked, Words{"a"});
}

TEST_F(AgentMuxTest, TheEndOfAnOldWayTakesNothingFromTheNewOne) {
    here.hello("a");
    there.hello("a");
    heard.clear();
    here.handler.on_gone("a");
    here.handler.on_message("a", core::Heartbeat{});
    EXPECT_TRUE(gone.empty());
    EXPECT_TRUE(heard.empty());
    there.handler.on_gone("a");
    EXPECT_EQ(gone, Words{"a"});
    mux.send("a", core::HeartbeatAck{1});
    EXPECT_TRUE(there.sent.empty());
}

TEST_F(AgentMuxTest, SaysThatAnUnknownWorkersOutputCannotBeRead) {
    std::vector<ErrorKind> kinds;
    mux.read_output("a", {}, [&](auto part) { kinds.push_back(part.error().kind); });
    EXPECT_TRUE(kinds.empty());
    loop.run_until_idle();
    EXPECT_EQ(kinds, std::vector{ErrorKind::unavailable});
}

}  // namespace
}  // namespace khronos::wire
