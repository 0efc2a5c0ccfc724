#include "app/config_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "app/config_testing.h"

namespace khronos::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Environment = std::map<std::string, std::string>;
using Files = std::map<std::string, std::string>;

AgentConfig right(const std::vector<TypedFlag>& flags, const Machine& machine) {
    const auto loaded = load_agent_config(flags, machine);
    if (loaded) return loaded->config;
    for (const Problem& problem : loaded.error())
        ADD_FAILURE() << in_words(problem);
    return {};
}

std::vector<std::string> wrong(const std::vector<TypedFlag>& flags, const Machine& machine) {
    const auto loaded = load_agent_config(flags, machine);
    std::vector<std::string> texts;
    if (!loaded)
        for (const Problem& problem : loaded.error())
            texts.push_back(in_words(problem));
    return texts;
}

const std::string kLocalFile = "/home/ada/conf/khronos.local.toml";

TEST(ConfigDefaults, LocalNeedsNothingAndOpensNothing) {
    AgentConfig expected;
    expected.bind_ip = "127.0.0.1";
    expected.http_port = 10001;
    expected.worker_port = 10005;
    expected.node = "node1";
    expected.keyspace = "/khronos";
    expected.data_dir = "/home/ada/.local/state/khronos";
    expected.max_execution_limit = 64;
    expected.misfire_threshold = 60s;
    expected.session_ttl = 3s;
    expected.drain_timeout = 30s;
    EXPECT_EQ(right({}, made_up_machine()), expected);
}

TEST(ConfigDefaults, LocalDataLieWhereTheUserKeepsState) {
    EXPECT_EQ(right({}, made_up_machine({}, {{"XDG_STATE_HOME", "/state"}})).data_dir,
              "/state/khronos");
    EXPECT_EQ(right({}, made_up_machine({}, {{"XDG_STATE_HOME", "relative"}})).data_dir,
              "/home/ada/.local/state/khronos");
    EXPECT_EQ(right({}, made_up_machine({}, {{"HOME", ""}})).data_dir, "/var/lib/khronos");
}

TEST(ConfigDefaults, AServersDataLieInVarLib) {
    for (const char* env : {"dev", "sit", "prod"})
        EXPECT_EQ(right({{"env", {env}}, {"bind-ip", {"127.0.0.1"}}}, made_up_machine()).data_dir,
                  "/var/lib/khronos");
}

TEST(ConfigDefaults, AHostNameThatIsNoNodeNameIsNotTaken) {
    Machine machine = made_up_machine();
    machine.host_name = "not a name";
    EXPECT_EQ(right({}, machine).node, "khronos");
}

// ---- precedence

TEST(ConfigPrecedence, TheFileWinsOverTheDefault) {
    EXPECT_EQ(right({}, made_up_machine({{kLocalFile, "node = \"file\"\n"}})).node, "file");
}

TEST(ConfigPrecedence, TheEnvironmentWinsOverTheFile) {
    EXPECT_EQ(right({}, made_up_machine({{kLocalFile, "node = \"file\"\n"}},
                                        {{"KHRONOS_NODE", "environment"}}))
                  .node,
              "environment");
}

TEST(ConfigPrecedence, AFlagWinsOverAll) {
    EXPECT_EQ(right({{"node", {"flag"}}}, made_up_machine({{kLocalFile, "node = \"file\"\n"}},
                                                          {{"KHRONOS_NODE", "environment"}}))
                  .node,
              "flag");
}

TEST(ConfigPrecedence, AStrongerListReplacesAWeakerOne) {
    const Machine machine = made_up_machine({{kLocalFile, "[tags]\na = \"file\"\nb = \"file\"\n"}},
                                            {{"KHRONOS_TAG", "c=environment,d=environment"}});
    EXPECT_EQ(right({}, machine).tags,
              (std::map<std::string, std::string>{{"c", "environment"}, {"d", "environment"}}));
    EXPECT_EQ(right({{"tag", {"e=flag"}}}, machine).tags,
              (std::map<std::string, std::string>{{"e", "flag"}}));
}

TEST(ConfigPrecedence, AWrongValueThatIsOverriddenDoesNoHarm) {
    EXPECT_EQ(right({{"bind-port", {"80"}}}, made_up_machine({}, {{"KHRONOS_BIND_PORT", "none"}}))
                  .http_port,
              80);
}

TEST(ConfigPrecedence, EachValueKnowsWhereItComesFrom) {
    const auto loaded = load_agent_config(
        {{"log-level", {"debug"}}},
        made_up_machine({{kLocalFile, "# first\nbind_port = 80\n"}}, {{"KHRONOS_NODE", "n"}}));
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(loaded->origins.at("log-level"), (Origin{Source::flag, "--log-level"}));
    EXPECT_EQ(loaded->origins.at("node"), (Origin{Source::environment, "KHRONOS_NODE"}));
    EXPECT_EQ(loaded->origins.at("bind-port"), (Origin{Source::file, "conf/khronos.local.toml:2"}));
    EXPECT_EQ(loaded->origins.at("rpc-port"), (Origin{Source::fallback, "default"}));
}

TEST(ConfigPrecedence, AnEmptyVariableIsNone) {
    EXPECT_EQ(
        right({}, made_up_machine({}, {{"KHRONOS_NODE", ""}, {"KHRONOS_BIND_PORT", ""}})).node,
        "node1");
}

// ---- which file

TEST(ConfigFile, TheEnvironmentPicksIt) {
    const Machine machine = made_up_machine(
        {{kLocalFile, "node = \"local\"\n"},
         {"/home/ada/conf/khronos.dev.toml", "node = \"dev\"\nbind_ip = \"127.0.0.1\"\n"}});
    EXPECT_EQ(right({}, machine).node, "local");
    EXPECT_EQ(right({{"env", {"dev"}}}, machine).node, "dev");
    EXPECT_EQ(right({{"env", {"dev"}}}, machine).env, Env::dev);
}

TEST(ConfigFile, AVariablePicksItToo) {
    EXPECT_EQ(right({}, made_up_machine({{"/home/ada/conf/khronos.dev.toml",
                                          "node = \"dev\"\nbind_ip = \"127.0.0.1\"\n"}},
                                        {{"KHRONOS_ENV", "dev"}}))
                  .node,
              "dev");
}

TEST(ConfigFile, TheFirstOfThreePlacesIsRead) {
    Files files{{kLocalFile, "node = \"here\"\n"},
                {"/opt/khronos/bin/conf/khronos.local.toml", "node = \"program\"\n"},
                {"/etc/khronos/khronos.local.toml", "node = \"etc\"\n"}};
    EXPECT_EQ(right({}, made_up_machine(files)).node, "here");
    files.erase(kLocalFile);
    EXPECT_EQ(right({}, made_up_machine(files)).node, "program");
    files.erase("/opt/khronos/bin/conf/khronos.local.toml");
    EXPECT_EQ(right({}, made_up_machine(files)).node, "etc");
    EXPECT_EQ(right({}, made_up_machine(files)).config_file, "/etc/khronos/khronos.local.toml");
}

TEST(ConfigFile, AFileThatIsNamedIsTheOnlyOneRead) {
    const Machine machine = made_up_machine(
        {{kLocalFile, "node = \"local\"\n"}, {"/home/ada/my.toml", "bind_port = 1\n"}});
    EXPECT_EQ(right({{"config", {"my.toml"}}}, machine).node, "node1");
    EXPECT_EQ(right({{"config", {"my.toml"}}}, machine).http_port, 1);
}

TEST(ConfigFile, AFileThatIsNamedHasToBeThere) {
    EXPECT_THAT(wrong({{"config", {"my.toml"}}}, made_up_machine()),
                ElementsAre("my.toml: cannot be read: No such file or directory"));
}

TEST(ConfigFile, AFileThatCannotBeReadIsNotPassedOver) {
    EXPECT_THAT(wrong({}, made_up_machine({{kLocalFile, "(denied)"},
                                           {"/etc/khronos/khronos.local.toml", "node = \"n\"\n"}})),
                ElementsAre("conf/khronos.local.toml: cannot be read: Permission denied"));
}

TEST(ConfigFile, ASyntaxErrorHasItsLine) {
    EXPECT_THAT(wrong({}, made_up_machine({{kLocalFile, "node = \"n\"\nbind_port = = 1\n"}})),
                ElementsAre(HasSubstr("conf/khronos.local.toml:2: ")));
}

TEST(ConfigFile, AnUnknownKeyIsAnErrorWithTheNearestName) {
    EXPECT_THAT(wrong({}, made_up_machine({{kLocalFile, "\nbind_prot = 1\nxyz = 2\n"}})),
                ElementsAre("conf/khronos.local.toml:2: 'bind_prot' is no option; did you mean "
                            "'bind_port'?",
                            "conf/khronos.local.toml:3: 'xyz' is no option"));
}

TEST(ConfigFile, WhatHasToBeTypedIsRefused) {
    EXPECT_THAT(
        wrong({}, made_up_machine({{kLocalFile, "insecure = true\nenv = \"prod\"\n"}})),
        ElementsAre(
            "conf/khronos.local.toml:1: 'insecure' cannot be set in a file; type --insecure",
            "conf/khronos.local.toml:2: 'env' cannot be set in a file; type --env"));
}

TEST(ConfigFile, AValueOfTheWrongTypeIsRefused) {
    const std::string place = "conf/khronos.local.toml:1: ";
    const auto of = [&](const std::string& line) {
        const auto texts = wrong({}, made_up_machine({{kLocalFile, line + "\n"}}));
        return texts.size() == 1 ? texts[0] : std::to_string(texts.size()) + " problems";
    };
    EXPECT_EQ(of("node = 5"), place + "node is a number; it has to be a text in quotes");
    EXPECT_EQ(of("node = [\"a\"]"), place + "node is a list; it has to be a single value");
    EXPECT_EQ(of("bind_port = true"), place + "bind_port is true or false; it has to be like PORT");
    EXPECT_EQ(of("no_worker = \"yes\""),
              place + "no_worker is not true or false; it has to be true or false");
    EXPECT_THAT(of("bind_port = 1.5"), HasSubstr("bind_port is a date, a float"));
    EXPECT_THAT(of("node = 2026-01-01"), HasSubstr("node is a date, a float"));
    EXPECT_EQ(of("misfire_threshold = 60"),
              place + "misfire_threshold is a number; it has to be a text in quotes");
    EXPECT_EQ(of("[node]\na = 1"),
              "conf/khronos.local.toml:2: 'node.a' is no option; did you mean 'node'?");
}

// ---- wrong values, wherever they stand

struct WrongValue {
    const char* flag;
    const char* value;
    const char* message;
};
class ConfigWrongValue : public testing::TestWithParam<WrongValue> {};

TEST_P(ConfigWrongValue, IsNamedWithItsFlag) {
    const auto& [flag, value, message] = GetParam();
    EXPECT_THAT(wrong({{flag, {value}}}, made_up_machine()),
                ElementsAre(std::string("--") + flag + ": " + message));
}

TEST_P(ConfigWrongValue, IsNamedWithItsVariable) {
    const auto& [flag, value, message] = GetParam();
    const std::string name = environment_name({.flag = flag});
    const auto texts = wrong({}, made_up_machine({}, {{name, value}}));
    if (std::string(value).empty())
        EXPECT_THAT(texts, IsEmpty());  // an empty variable is none
    else
        EXPECT_THAT(texts, ElementsAre(name + ": " + message));
}

TEST_P(ConfigWrongValue, IsNamedWithItsFileAndLine) {
    const auto& [flag, value, message] = GetParam();
    std::string key = flag;
    std::ranges::replace(key, '-', '_');
    std::string text = std::string("\"") + value + "\"";
    if (key == "backend_machine") key += "s", text = "[" + text + "]";
    if (key == "tag") key += "s", text = "[" + text + "]";
    const std::string why = key == "env" ? "'env' cannot be set in a file; type --env" : message;
    EXPECT_THAT(wrong({}, made_up_machine({{kLocalFile, "\n" + key + " = " + text + "\n"}})),
                ElementsAre("conf/khronos.local.toml:2: " + why));
}

INSTANTIATE_TEST_SUITE_P(
    Each, ConfigWrongValue,
    testing::Values(
        WrongValue{"env", "production", "'production' is none of local, dev, sit, prod"},
        WrongValue{"env", "prd", "'prd' is none of local, dev, sit, prod; did you mean 'prod'?"},
        WrongValue{"bind-ip", "localhost",
                   "'localhost' is not an IP address such as 127.0.0.1 or ::1"},
        WrongValue{"bind-ip", "127.0.0.256",
                   "'127.0.0.256' is not an IP address such as 127.0.0.1 or ::1"},
        WrongValue{"bind-port", "65536", "'65536' is not a port (0 to 65535)"},
        WrongValue{"bind-port", "-1", "'-1' is not a port (0 to 65535)"},
        WrongValue{"bind-port", "http", "'http' is not a port (0 to 65535)"},
        WrongValue{"bind-port", "80 ", "'80 ' is not a port (0 to 65535)"},
        WrongValue{"rpc-port", "0x50", "'0x50' is not a port (0 to 65535)"},
        WrongValue{"node", "a b",
                   "'a b' is not a name: 1 to 128 letters, digits, '.', '_' and '-'"},
        WrongValue{"node", "..", "'..' is not a name: 1 to 128 letters, digits, '.', '_' and '-'"},
        WrongValue{"tag", "region", "'region' is not a tag such as region=eu"},
        WrongValue{"tag", "=eu", "'=eu' is not a tag such as region=eu"},
        WrongValue{"backend", "etc", "'etc' is none of embedded, etcd; did you mean 'etcd'?"},
        WrongValue{"backend-machine", "etcd-1",
                   "'etcd-1' is not HOST:PORT such as 10.0.0.1:2379 or [::1]:2379"},
        WrongValue{"backend-machine", "http://etcd-1:2379",
                   "'http://etcd-1:2379' is not HOST:PORT such as 10.0.0.1:2379 or [::1]:2379"},
        WrongValue{"backend-machine", "::1:2379",
                   "'::1:2379' is not HOST:PORT such as 10.0.0.1:2379 or [::1]:2379"},
        WrongValue{"keyspace", "khronos",
                   "'khronos' is not a keyspace such as /khronos: it begins with '/' and does not "
                   "end with one"},
        WrongValue{"keyspace", "/khronos/",
                   "'/khronos/' is not a keyspace such as /khronos: it begins with '/' and does "
                   "not end with one"},
        WrongValue{"data-dir", "", "is empty; it has to be a directory"},
        WrongValue{"max-execution-limit", "0", "'0' is not a number in range (1 to 100000)"},
        WrongValue{"max-execution-limit", "100001",
                   "'100001' is not a number in range (1 to 100000)"},
        WrongValue{"misfire-threshold", "60",
                   "'60' is not a duration such as 90s, 5m or 1h30m: a unit is missing (ms, s, m, "
                   "h or d)"},
        WrongValue{"misfire-threshold", "0s", "'0s' is out of range (1s to 24h)"},
        WrongValue{"session-ttl", "500ms", "'500ms' is out of range (1s to 1m)"},
        WrongValue{"drain-timeout", "-1s", "'-1s' is out of range (0s to 24h)"},
        WrongValue{"log-level", "warning", "'warning' is none of trace, debug, info, warn, error"},
        WrongValue{"log-format", "jsn", "'jsn' is none of text, json; did you mean 'json'?"}));

TEST(ConfigProblems, AllAreReportedAtOnce) {
    EXPECT_THAT(wrong({{"bind-port", {"x"}}, {"node", {"a", "b"}}},
                      made_up_machine({{kLocalFile, "log_level = \"loud\"\nnod = \"n\"\n"}},
                                      {{"KHRONOS_SESSION_TTL", "1"}})),
                testing::UnorderedElementsAre(
                    HasSubstr("--bind-port: 'x'"), HasSubstr("--node: is given 2 times"),
                    HasSubstr("conf/khronos.local.toml:1: 'loud'"),
                    HasSubstr("conf/khronos.local.toml:2: 'nod' is no option"),
                    HasSubstr("KHRONOS_SESSION_TTL: '1'")));
}

TEST(ConfigProblems, ALongValueIsCut) {
    for (const std::string& text :
         wrong({{"bind-port", {std::string(100000, '9')}}}, made_up_machine()))
        EXPECT_LT(text.size(), 200U);
}

TEST(ConfigProblems, ATagGivenTwiceIsRefused) {
    EXPECT_THAT(wrong({{"tag", {"a=1", "a=2"}}}, made_up_machine()),
                ElementsAre("--tag: 'a' is given twice"));
}

TEST(ConfigProblems, ThePlaceOfAnInconsistencyIsTheValuesPlace) {
    EXPECT_THAT(wrong({}, made_up_machine({{kLocalFile, "\n\nbind_ip = \"0.0.0.0\"\n"}})),
                ElementsAre(HasSubstr("conf/khronos.local.toml:3: 0.0.0.0 can be reached")));
    EXPECT_THAT(wrong({{"env", {"prod"}}}, made_up_machine()),
                ElementsAre(HasSubstr("--bind-ip (default): 0.0.0.0 can be reached")));
}

TEST(ConfigValues, AreTakenFromEveryForm) {
    const AgentConfig config =
        right({{"no-worker", {}}, {"insecure", {}}},
              made_up_machine({{kLocalFile,
                                "bind_ip = \"::\"\nbind_port = 0\nrpc_port = 0\nnode = \"n.1\"\n"
                                "keyspace = \"/cells/a\"\ndata_dir = \"data/../state/\"\n"
                                "max_execution_limit = 5\nmisfire_threshold = \"1h30m\"\n"
                                "session_ttl = \"1500ms\"\ndrain_timeout = \"0s\"\n"
                                "log_level = \"trace\"\nlog_format = \"json\"\n"
                                "[tags]\nregion = \"eu\"\nrack = 7\nssd = true\n"}}));
    EXPECT_EQ(config.bind_ip, "::");
    EXPECT_EQ(config.http_port, 0);
    EXPECT_EQ(config.worker_port, 0);
    EXPECT_EQ(config.node, "n.1");
    EXPECT_EQ(config.keyspace, "/cells/a");
    EXPECT_EQ(config.data_dir, "/home/ada/state");
    EXPECT_EQ(config.max_execution_limit, 5U);
    EXPECT_EQ(config.misfire_threshold, Duration(90min));
    EXPECT_EQ(config.session_ttl, Duration(1500ms));
    EXPECT_EQ(config.drain_timeout, Duration(0s));
    EXPECT_EQ(config.log_level, LogLevel::trace);
    EXPECT_EQ(config.log_format, LogFormat::json);
    EXPECT_TRUE(config.no_worker);
    EXPECT_TRUE(config.insecure);
    EXPECT_EQ(config.tags, (std::map<std::string, std::string>{
                               {"region", "eu"}, {"rack", "7"}, {"ssd", "true"}}));
}

TEST(ConfigValues, AToggleCanBeTakenBack) {
    EXPECT_FALSE(right({}, made_up_machine({{kLocalFile, "no_worker = true\n"}},
                                           {{"KHRONOS_NO_WORKER", "false"}}))
                     .no_worker);
}

// ---- the table itself

TEST(ConfigTable, NamesAreTheirOwn) {
    std::map<std::string, int> flags, keys, letters;
    for (const AgentOption& option : agent_options(Env::local, made_up_machine())) {
        EXPECT_EQ(++flags[option.spec.flag], 1) << option.spec.flag;
        if (!option.spec.key.empty()) {
            EXPECT_EQ(++keys[option.spec.key], 1) << option.spec.key;
        }
        if (option.spec.letter != 0) {
            EXPECT_EQ(++letters[std::string(1, option.spec.letter)], 1) << option.spec.flag;
        }
        EXPECT_FALSE(option.spec.doc.empty()) << option.spec.flag;
        EXPECT_FALSE(option.spec.value_name.empty()) << option.spec.flag;
    }
}

TEST(ConfigTable, WhatIsShownIsReadAsTheSame) {
    const Machine machine = made_up_machine();
    AgentConfig config = right({}, machine);
    config.tags = {{"a", "1"}, {"b", "x=y"}};
    config.backend_machines = {{"::1", 2379}, {"etcd-2", 2379}};
    config.session_ttl = 1500ms;
    AgentConfig read;
    for (const AgentOption& option : agent_options(Env::local, machine))
        EXPECT_TRUE(option.set(read, option.show(config)).has_value()) << option.spec.flag;
    EXPECT_EQ(read, config);
}

}  // namespace
}  // namespace khronos::app
