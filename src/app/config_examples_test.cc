// The files in conf/ are what users start from: they have to be right, all of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "app/config_load.h"
#include "app/config_testing.h"

namespace khronos::app {
namespace {

std::string example(const std::string& env) {
    std::ifstream in(std::string(KHRONOS_CONF_DIR) + "/khronos." + env + ".toml");
    return {std::istreambuf_iterator<char>(in), {}};
}

// With every option that is commented out taken in.
std::string taken_in(const std::string& text) {
    static const std::regex kCommented(R"((^|\n)# (?=([a-z_]+ = |\[)))");
    return std::regex_replace(text, kCommented, "$1");
}

class ConfigExample : public testing::TestWithParam<const char*> {};

TEST_P(ConfigExample, IsReadWithoutAProblem) {
    const std::string env = GetParam();
    ASSERT_NE(example(env), "");
    const auto loaded = load_agent_config(
        {{"env", {env}}},
        made_up_machine({{"/home/ada/conf/khronos." + env + ".toml", example(env)}}));
    if (!loaded)
        for (const Problem& problem : loaded.error())
            ADD_FAILURE() << in_words(problem);
}

TEST_P(ConfigExample, HasNoWrongLineAmongItsComments) {
    const std::string env = GetParam();
    RawValues values;
    std::vector<Problem> problems;
    const Machine machine = made_up_machine();
    const auto options = agent_options(Env::prod, machine);
    take_file(specs_of(options), machine, env, taken_in(example(env)), values, problems);
    for (const Problem& problem : problems)
        ADD_FAILURE() << in_words(problem);
    AgentConfig config;
    for (const AgentOption& option : options) {
        const auto found = values.find(option.spec.flag);
        if (found == values.end()) continue;
        const auto set = option.set(config, found->second.values);
        EXPECT_TRUE(set.has_value()) << found->second.origin.where << ": " << set.error();
    }
}

INSTANTIATE_TEST_SUITE_P(Each, ConfigExample, testing::Values("local", "dev", "sit", "prod"));

TEST(ConfigExamples, TheOneForProductionNamesEveryOption) {
    const std::string text = example("prod");
    for (const AgentOption& option : agent_options(Env::prod, made_up_machine())) {
        if (option.spec.key.empty()) continue;
        if (option.spec.secret) {  // told of, and never there
            EXPECT_THAT(text, testing::HasSubstr(option.spec.key + "_file")) << option.spec.flag;
            EXPECT_THAT(taken_in(text), testing::Not(testing::HasSubstr("\n" + option.spec.key)));
            continue;
        }
        const std::string line = option.spec.form == Form::mapping ? "[" + option.spec.key + "]"
                                                                   : option.spec.key + " = ";
        EXPECT_THAT(taken_in(text), testing::HasSubstr("\n" + line)) << option.spec.flag;
    }
}

TEST(ConfigExamples, TheOneForLocalShowsTheDefaults) {
    const Machine machine =
        made_up_machine({{"/home/ada/conf/khronos.local.toml", example("local")}});
    auto loaded = load_agent_config({}, machine);
    ASSERT_TRUE(loaded.has_value());
    loaded->config.config_file.clear();
    EXPECT_EQ(loaded->config, load_agent_config({}, made_up_machine())->config);
}

}  // namespace
}  // namespace khronos::app
