#include "app/config_cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config_command.h"
#include "app/config_testing.h"

namespace khronos::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const std::vector<OptionSpec> kOptions{
    {.flag = "env", .letter = 'e', .value_name = "ENV", .doc = "which"},
    {.flag = "tag", .key = "tags", .form = Form::mapping, .value_name = "K=V", .doc = "a tag"},
    {.flag = "quiet", .key = "quiet", .form = Form::toggle, .value_name = "", .doc = "less"},
    {.flag = "mail-password", .key = "p", .value_name = "P", .doc = "mail's", .secret = true},
};

CommandLine parse(const std::vector<std::string>& arguments) {
    return parse_flags("khronos agent", "what it does", kOptions, {"local"}, arguments);
}

std::vector<std::string> wrong(const std::vector<std::string>& arguments) {
    std::vector<std::string> texts;
    for (const Problem& problem : parse(arguments).problems)
        texts.push_back(in_words(problem));
    return texts;
}

TEST(ConfigFlags, AreTakenInAllTheirSpellings) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--env", "dev"}, {"--env=dev"}, {"-e", "dev"}, {"-edev"}}) {
        const CommandLine line = parse(arguments);
        EXPECT_THAT(line.problems, IsEmpty());
        EXPECT_THAT(line.flags, ElementsAre(TypedFlag{"env", {"dev"}}));
    }
}

TEST(ConfigFlags, ARepeatedOneHasAllItsValuesInOrder) {
    EXPECT_THAT(parse({"--tag", "b=1", "--quiet", "--tag", "a=2"}).flags,
                ElementsAre(TypedFlag{"tag", {"b=1", "a=2"}}, TypedFlag{"quiet", {}}));
}

TEST(ConfigFlags, NothingTypedIsNothingSaid) {
    EXPECT_THAT(parse({}).flags, IsEmpty());
}

TEST(ConfigFlags, AnUnknownOneIsNamedWithTheNearest) {
    EXPECT_THAT(wrong({"--evn", "dev"}), ElementsAre("--evn: is no option; did you mean '--env'?"));
    EXPECT_THAT(wrong({"--completely-else=1"}), ElementsAre("--completely-else: is no option"));
}

TEST(ConfigFlags, AStrayWordIsNamed) {
    EXPECT_THAT(wrong({"dev"}),
                ElementsAre("'dev': is not expected here; every option begins with --"));
    EXPECT_THAT(wrong({"--tag", "a=1", "b=2"}),
                ElementsAre("'b=2': is not expected here; every option begins with --"));
}

TEST(ConfigFlags, AMissingValueIsNamed) {
    EXPECT_THAT(wrong({"--env"}), ElementsAre("--env: needs a value"));
}

TEST(ConfigFlags, ASecretIsGivenAsAFile) {
    EXPECT_THAT(parse({"--mail-password-file", "/run/p"}).flags,
                ElementsAre(TypedFlag{"mail-password-file", {"/run/p"}}));
    EXPECT_THAT(wrong({"--mail-password", "canary"}),
                ElementsAre(HasSubstr("--mail-password: is no option")));
}

TEST(ConfigFlags, TheHelpNamesEveryFlagWithItsDefault) {
    const CommandLine line = parse({"--help"});
    EXPECT_TRUE(line.wants_help);
    for (const char* part : {"khronos agent", "what it does", "-e,--env ENV [local]", "which",
                             "--tag", "--quiet", "--mail-password-file"})
        EXPECT_THAT(line.help, HasSubstr(part));
}

// ---- what main() does with it

TEST(ConfigCommand, AMistakeLeavesWithTwoAndAllThatIsWrong) {
    const auto config =
        agent_config_from({"--bindport", "1", "--log-level", "loud"}, made_up_machine());
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().status, 2);
    EXPECT_EQ(config.error().out, "");
    EXPECT_EQ(config.error().err,
              "khronos: --bindport: is no option; did you mean '--bind-port'?\n"
              "khronos: --log-level: 'loud' is none of trace, debug, info, warn, error\n"
              "See khronos agent --help\n");
}

TEST(ConfigCommand, HelpLeavesWithZero) {
    const auto config = agent_config_from({"--help"}, made_up_machine());
    ASSERT_FALSE(config.has_value());
    EXPECT_EQ(config.error().status, 0);
    EXPECT_THAT(config.error().out, HasSubstr("--bind-port PORT [10001]"));
    EXPECT_EQ(config.error().err, "");
}

TEST(ConfigCommand, AgentFlagsBecomeItsConfig) {
    const auto config =
        agent_config_from({"-e", "dev", "--bind-ip", "::1", "--no-worker"}, made_up_machine());
    ASSERT_TRUE(config.has_value());
    EXPECT_EQ(config->config.env, Env::dev);
    EXPECT_EQ(config->config.bind_ip, "::1");
    EXPECT_TRUE(config->config.no_worker);
}

TEST(ConfigCommand, ShowPrintsWhatIsInForce) {
    const Leave leave = config_command({"show", "--bind-port", "80", "--tag", "region=eu"},
                                       made_up_machine({}, {{"KHRONOS_NODE", "n\"1"}}));
    EXPECT_EQ(leave.status, 2);  // a quote is not in a name
    const Leave shown = config_command({"show", "--bind-port", "80", "--tag", "region=eu"},
                                       made_up_machine({}, {{"KHRONOS_NODE", "n1"}}));
    EXPECT_EQ(shown.status, 0) << shown.err;
    for (const char* line :
         {"bind_port = 80\n", "node = \"n1\"\n", "tags = { \"region\" = \"eu\" }\n",
          "backend_machines = []\n", "no_worker = false\n", "misfire_threshold = \"1m\"\n"})
        EXPECT_THAT(shown.out, HasSubstr(line));
    EXPECT_THAT(shown.out, Not(HasSubstr("KHRONOS_NODE")));
}

TEST(ConfigCommand, ShowNamesOrigins) {
    const Leave shown = config_command(
        {"show", "--origin", "--bind-port", "80"},
        made_up_machine({{"/etc/khronos/khronos.local.toml", "log_level = \"warn\"\n"}},
                        {{"KHRONOS_NODE", "n1"}}));
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_THAT(shown.out, testing::ContainsRegex("bind_port = 80 +# --bind-port\n"));
    EXPECT_THAT(shown.out, testing::ContainsRegex("node = \"n1\" +# KHRONOS_NODE\n"));
    EXPECT_THAT(shown.out, testing::ContainsRegex(
                               "log_level = \"warn\" +# /etc/khronos/khronos.local.toml:1\n"));
    EXPECT_THAT(shown.out, testing::ContainsRegex("rpc_port = 10005 +# default\n"));
}

TEST(ConfigCommand, WhatIsShownCanBeReadAgain) {
    const std::vector<std::string> flags{
        "--tag", "a=1", "--tag", "b=\"\\", "--session-ttl", "1500ms", "--no-worker", "--node", "n"};
    std::vector<std::string> arguments{"show"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Leave shown = config_command(arguments, made_up_machine());
    ASSERT_EQ(shown.status, 0) << shown.err;
    const auto first = agent_config_from(flags, made_up_machine());
    const auto again = agent_config_from({"--config", "shown.toml"},
                                         made_up_machine({{"/home/ada/shown.toml", shown.out}}));
    ASSERT_TRUE(first.has_value() && again.has_value());
    AgentConfig read = again->config;
    read.config_file = first->config.config_file;
    EXPECT_EQ(read, first->config);
}

TEST(ConfigCommand, AnUnknownSubcommandIsUsage) {
    EXPECT_EQ(config_command({}, made_up_machine()).status, 2);
    EXPECT_EQ(config_command({"shwo"}, made_up_machine()).status, 2);
}

}  // namespace
}  // namespace khronos::app
