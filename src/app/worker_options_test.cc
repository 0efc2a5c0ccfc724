#include "app/worker_options.h"

#include <gtest/gtest.h>

namespace khronos::app {
namespace {

Machine machine(std::map<std::string, std::string> environment = {}) {
    Machine m;
    m.environment = std::move(environment);
    m.host_name = "host-1";
    m.working_dir = "/work";
    m.read = [](const std::string& path) -> std::expected<std::string, Machine::ReadError> {
        if (path == "/secret") return std::string("a-token-of-some-length\n");
        return std::unexpected(Machine::ReadError{true, "no such file"});
    };
    return m;
}

TEST(WorkerOptions, HaveADefaultForEverything) {
    const auto options = worker_options_from({}, machine({{"HOME", "/home/me"}}));
    ASSERT_TRUE(options) << options.error().err;
    EXPECT_EQ(options->worker.node, "host-1");
    EXPECT_EQ(options->worker.agents.seeds, std::set<std::string>{"127.0.0.1:10005"});
    EXPECT_EQ(options->worker.applications, std::vector<std::string>{"default"});
    EXPECT_EQ(options->worker.data_dir, "/home/me/.local/state/khronos-worker");
    EXPECT_EQ(options->worker.slots, 64u);
    EXPECT_FALSE(options->worker.any_address);
}

TEST(WorkerOptions, AreReadFromFlagsAndFromTheEnvironment) {
    const auto options = worker_options_from(
        {"--agent", "a:1", "--agent", "[::1]:2", "--application", "spider", "--node", "w1",
         "--max-execution-limit", "8", "--tag", "k=v", "--type-quota", "crawl=2", "--data-dir", "d",
         "--join-token-file", "/secret"},
        machine({{"KHRONOS_NODE", "other"}, {"KHRONOS_LOG_FORMAT", "json"}}));
    ASSERT_TRUE(options) << options.error().err;
    const auto& worker = options->worker;
    EXPECT_EQ(worker.agents.seeds, (std::set<std::string>{"[::1]:2", "a:1"}));
    EXPECT_EQ(worker.applications, std::vector<std::string>{"spider"});
    EXPECT_EQ(worker.node, "w1");
    EXPECT_EQ(worker.slots, 8u);
    EXPECT_EQ(worker.tags.at("k"), "v");
    EXPECT_EQ(worker.type_quotas.at("crawl"), 2u);
    EXPECT_EQ(worker.data_dir, "/work/d");
    EXPECT_EQ(worker.agents.join_token, "a-token-of-some-length");
    EXPECT_EQ(options->log_format, LogFormat::json);
}

TEST(WorkerOptions, SayEverythingThatIsWrong) {
    const auto wrong = [](std::vector<std::string> arguments) {
        const auto options = worker_options_from(arguments, machine());
        return options ? std::string() : options.error().err;
    };
    EXPECT_NE(wrong({"--agent", "nowhere", "--tag", "x"}).find("nowhere"), std::string::npos);
    EXPECT_NE(wrong({"--agent", "nowhere", "--tag", "x"}).find("'x'"), std::string::npos);
    EXPECT_NE(wrong({"--agents", "a:1"}).find("--agent"), std::string::npos);
    EXPECT_NE(wrong({"--type-quota", "crawl=many"}).find("many"), std::string::npos);
    EXPECT_NE(wrong({"--tag", "a=1", "--tag", "a=2"}).find("twice"), std::string::npos);
    EXPECT_NE(wrong({"--tls-cert", "c"}).find("go together"), std::string::npos);
    EXPECT_NE(wrong({"--max-execution-limit", "0"}).find("--max-execution-limit"),
              std::string::npos);
}

TEST(WorkerOptions, TakeNoShortSecret) {
    const auto options =
        worker_options_from({}, machine({{"KHRONOS_JOIN_TOKEN", "fifteen-letters"}}));
    ASSERT_FALSE(options);
    EXPECT_NE(options.error().err.find("KHRONOS_JOIN_TOKEN"), std::string::npos);
}

}  // namespace
}  // namespace khronos::app
