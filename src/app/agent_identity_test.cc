#include "app/agent_identity.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/asio/system_entropy.h"

namespace khronos::app {
namespace {

class AgentIdentityTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/khronos-identity-XXXXXX";
        dir_ = ::mkdtemp(name);
    }
    void TearDown() override { std::filesystem::remove_all(dir_); }
    std::string dir_;
    runtime::SystemEntropy entropy_;
};

TEST_F(AgentIdentityTest, EachProcessIsANewOneAndKnowsTheOneBefore) {
    std::string first;
    {
        const auto one = AgentIdentity::open(dir_, entropy_);
        ASSERT_TRUE(one);
        EXPECT_EQ((*one)->predecessor(), "");
        first = (*one)->id();
        EXPECT_EQ(first.size(), 16u);
    }
    const auto two = AgentIdentity::open(dir_, entropy_);
    ASSERT_TRUE(two);
    EXPECT_EQ((*two)->predecessor(), first);
    EXPECT_NE((*two)->id(), first);
}

TEST_F(AgentIdentityTest, ASecondProcessInTheSameDirectoryIsRefused) {
    const auto one = AgentIdentity::open(dir_, entropy_);
    ASSERT_TRUE(one);
    const auto two = AgentIdentity::open(dir_, entropy_);
    ASSERT_FALSE(two);
    EXPECT_EQ(two.error().kind, ErrorKind::conflict);
    EXPECT_NE(two.error().message.find("(process "), std::string::npos);
}

TEST_F(AgentIdentityTest, AFileWithSomethingElseIsOverwritten) {
    std::ofstream(dir_ + "/agent-id") << "not an id, certainly";
    const auto one = AgentIdentity::open(dir_, entropy_);
    ASSERT_TRUE(one);
    EXPECT_EQ((*one)->predecessor(), "");
}

}  // namespace
}  // namespace khronos::app
