#include "app/config_reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/config_load.h"
#include "app/config_testing.h"

namespace khronos::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

AgentConfig defaults() {
    return load_agent_config({}, made_up_machine())->config;
}
std::vector<AgentOption> options() {
    return agent_options(Env::local, made_up_machine());
}

TEST(ConfigReload, NothingChangedIsNothingDone) {
    const Reload done = reload(defaults(), defaults(), options());
    EXPECT_EQ(done.config, defaults());
    EXPECT_THAT(done.changed, IsEmpty());
    EXPECT_THAT(done.needs_restart, IsEmpty());
}

TEST(ConfigReload, WhatMayChangeWhileItRunsDoes) {
    AgentConfig wanted = defaults();
    wanted.log_level = LogLevel::debug;
    wanted.tags = {{"region", "eu"}, {"ssd", ""}};
    wanted.max_execution_limit = 5;
    const Reload done = reload(defaults(), wanted, options());
    EXPECT_EQ(done.config, wanted);
    EXPECT_THAT(done.changed, ElementsAre(Change{"tag", "", "region=eu,ssd="},
                                          Change{"max-execution-limit", "64", "5"},
                                          Change{"log-level", "info", "debug"}));
    EXPECT_THAT(done.needs_restart, IsEmpty());
}

TEST(ConfigReload, TheRestKeepsItsValueUntilARestart) {
    AgentConfig wanted = defaults();
    wanted.http_port = 80;
    wanted.data_dir = "/elsewhere";
    wanted.log_level = LogLevel::debug;
    const Reload done = reload(defaults(), wanted, options());
    AgentConfig expected = defaults();
    expected.log_level = LogLevel::debug;
    EXPECT_EQ(done.config, expected);
    EXPECT_THAT(done.needs_restart,
                ElementsAre(Change{"bind-port", "10001", "80"},
                            Change{"data-dir", "/home/ada/.local/state/khronos", "/elsewhere"}));
}

TEST(ConfigReload, ASecretIsNotShown) {
    std::vector<AgentOption> all = options();
    std::ranges::find(all, "node", [](const AgentOption& o) { return o.spec.flag; })->spec.secret =
        true;
    AgentConfig wanted = defaults();
    wanted.node = "canary";
    EXPECT_THAT(reload(defaults(), wanted, all).needs_restart,
                ElementsAre(Change{"node", "(secret)", "(secret)"}));
}

}  // namespace
}  // namespace khronos::app
