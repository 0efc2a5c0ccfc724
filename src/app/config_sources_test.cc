#include "app/config_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config_testing.h"

namespace khronos::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<OptionSpec> kOptions{
    {.flag = "node", .key = "node", .value_name = "NAME"},
    {.flag = "log-level", .key = "log_level", .value_name = "LEVEL"},
    {.flag = "mail-password", .key = "mail_password", .value_name = "TEXT", .secret = true},
    {.flag = "typed", .form = Form::toggle, .value_name = "true|false", .environment = false},
};

struct Taken {
    RawValues values;
    std::vector<std::string> problems;
};
Taken finish(RawValues values, const std::vector<Problem>& problems) {
    Taken taken{std::move(values), {}};
    for (const Problem& problem : problems)
        taken.problems.push_back(in_words(problem));
    return taken;
}
Taken environment(std::map<std::string, std::string> variables,
                  std::map<std::string, std::string> files = {}) {
    RawValues values;
    std::vector<Problem> problems;
    take_environment(kOptions, made_up_machine(std::move(files), std::move(variables)), values,
                     problems);
    return finish(std::move(values), problems);
}
Taken file(const std::string& text, std::map<std::string, std::string> files = {}) {
    RawValues values;
    std::vector<Problem> problems;
    take_file(kOptions, made_up_machine(std::move(files)), "f.toml", text, values, problems);
    return finish(std::move(values), problems);
}
Taken flags(const std::vector<TypedFlag>& typed, std::map<std::string, std::string> files = {}) {
    RawValues values;
    std::vector<Problem> problems;
    take_flags(kOptions, made_up_machine(std::move(files)), typed, values, problems);
    return finish(std::move(values), problems);
}

TEST(ConfigEnvironment, ANameIsTheFlagInUpperCase) {
    EXPECT_EQ(environment_name(kOptions[1]), "KHRONOS_LOG_LEVEL");
    EXPECT_EQ(environment({{"KHRONOS_LOG_LEVEL", "debug"}}).values.at("log-level").values,
              std::vector<std::string>{"debug"});
}

TEST(ConfigEnvironment, ANameThatIsNearlyRightIsAMistake) {
    EXPECT_THAT(environment({{"KHRONOS_LOGLEVEL", "debug"}}).problems,
                ElementsAre("KHRONOS_LOGLEVEL: is no option; did you mean 'KHRONOS_LOG_LEVEL'?"));
}

TEST(ConfigEnvironment, VariablesOfOthersAreLeftAlone) {
    const Taken taken = environment({{"KHRONOS_SERVICE_HOST", "10.0.0.1"},
                                     {"KHRONOS_PORT_10001_TCP", "tcp://10.0.0.1:10001"},
                                     {"KHRONOS_SERVER", "http://a"},
                                     {"KHRONOS_JOB_NAME", "outer"},
                                     {"KHRONOS_NODE_NAME", "n"},
                                     {"NODE", "n"}});
    EXPECT_THAT(taken.problems, IsEmpty());
    EXPECT_THAT(taken.values, IsEmpty());
}

TEST(ConfigEnvironment, WhatHasToBeTypedIsNotRead) {
    EXPECT_THAT(environment({{"KHRONOS_TYPED", "true"}}).values, IsEmpty());
}

TEST(ConfigSecrets, AreReadFromTheFileThatAVariableNames) {
    const Taken taken =
        environment({{"KHRONOS_MAIL_PASSWORD_FILE", "/run/p"}}, {{"/run/p", "canary\n"}});
    EXPECT_THAT(taken.problems, IsEmpty());
    EXPECT_EQ(taken.values.at("mail-password"),
              (RawValue{{"canary"}, {Source::environment, "KHRONOS_MAIL_PASSWORD_FILE"}}));
}

TEST(ConfigSecrets, AreReadFromTheFileThatAFlagNames) {
    EXPECT_EQ(flags({{"mail-password-file", {"/run/p"}}}, {{"/run/p", "canary"}})
                  .values.at("mail-password"),
              (RawValue{{"canary"}, {Source::flag, "--mail-password-file"}}));
}

TEST(ConfigSecrets, AreNotReadFromAFlag) {
    EXPECT_THAT(flags({{"mail-password", {"canary"}}}).values, IsEmpty());
}

TEST(ConfigSecrets, AreReadFromTheFileThatAFileNames) {
    EXPECT_EQ(file("mail_password_file = \"/run/p\"\n", {{"/run/p", "canary\r\n"}})
                  .values.at("mail-password"),
              (RawValue{{"canary"}, {Source::file, "f.toml:1"}}));
}

TEST(ConfigSecrets, MayStandInTheVariableItself) {
    EXPECT_EQ(environment({{"KHRONOS_MAIL_PASSWORD", "canary"}}).values.at("mail-password").values,
              std::vector<std::string>{"canary"});
}

TEST(ConfigSecrets, TheVariableAndItsFileTogetherAreAMistake) {
    EXPECT_THAT(
        environment({{"KHRONOS_MAIL_PASSWORD", "canary"}, {"KHRONOS_MAIL_PASSWORD_FILE", "/run/p"}},
                    {{"/run/p", "canary"}})
            .problems,
        ElementsAre("KHRONOS_MAIL_PASSWORD_FILE: KHRONOS_MAIL_PASSWORD is set too; set one "
                    "of the two"));
}

TEST(ConfigSecrets, AFileThatCannotBeReadOrIsEmptyIsAMistake) {
    EXPECT_THAT(environment({{"KHRONOS_MAIL_PASSWORD_FILE", "/run/p"}}).problems,
                ElementsAre("KHRONOS_MAIL_PASSWORD_FILE: '/run/p' cannot be read: No such file or "
                            "directory"));
    EXPECT_THAT(flags({{"mail-password-file", {"/run/p"}}}, {{"/run/p", "\n"}}).problems,
                ElementsAre("--mail-password-file: '/run/p' is empty"));
}

TEST(ConfigSecrets, OtherOptionsHaveNoFileForm) {
    EXPECT_THAT(environment({{"KHRONOS_NODE_FILE", "/run/p"}}, {{"/run/p", "n"}}).values,
                IsEmpty());
    EXPECT_THAT(file("node_file = \"/run/p\"\n", {{"/run/p", "n"}}).problems,
                ElementsAre("f.toml:1: 'node_file' is no option"));
}

TEST(ConfigMachine, ThisOneHasAFileSystemAndAWorkingFolder) {
    const Machine machine = this_machine();
    EXPECT_TRUE(machine.working_dir.starts_with('/'));
    EXPECT_TRUE(machine.binary_dir.starts_with('/'));
    EXPECT_TRUE(machine.environment.contains("PATH"));
    const auto missing = machine.read("/there/is/no/such/file");
    ASSERT_FALSE(missing.has_value());
    EXPECT_TRUE(missing.error().missing);
    const auto folder = machine.read("/");
    ASSERT_FALSE(folder.has_value());
    EXPECT_FALSE(folder.error().missing);
    const auto own = machine.read("/proc/self/comm");
    ASSERT_TRUE(own.has_value());
    EXPECT_FALSE(own->empty());
}

}  // namespace
}  // namespace khronos::app
