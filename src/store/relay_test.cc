#include "store/relay.h"

#include <gtest/gtest.h>

#include "runtime/manual_loop.h"

namespace khronos::store {
namespace {

struct RelayTest : testing::Test {
    runtime::ManualLoop loop;
    std::vector<std::string> told;
    Mirror::Listener listener{
        [this] { told.push_back("begin"); },
        [this](KeyValue kv) { told.push_back("put " + kv.key); },
        [this](std::string key, Revision) { told.push_back("erase " + key); },
        [this] { told.push_back("listed"); },
        [this](Revision r) { told.push_back("reached " + std::to_string(r.value)); },
    };
    Relay relay{loop, listener};
};

TEST_F(RelayTest, TellsEverythingInOrderOnTheOtherLoop) {
    relay.list_begins();
    relay.put({"a", SharedBytes("1"), Revision(1), Revision(1), {}});
    relay.listed();
    relay.erase("a", Revision(2));
    EXPECT_TRUE(told.empty());
    relay.reached(Revision(2));
    EXPECT_TRUE(told.empty());  // not inside the call
    loop.run_until_idle();
    EXPECT_EQ(told, (std::vector<std::string>{"begin", "put a", "listed", "erase a", "reached 2"}));
}

TEST_F(RelayTest, ALongListDoesNotWaitForItsEnd) {
    for (int i = 0; i < 2500; ++i) relay.put({"k", {}, {}, {}, {}});
    loop.run_until_idle();
    EXPECT_EQ(told.size(), 2000u);
    relay.reached(Revision(1));
    loop.run_until_idle();
    EXPECT_EQ(told.size(), 2501u);
}

}  // namespace
}  // namespace khronos::store
