// The check itself, on made-up trees: each rule is shown to fail.
#include "layers/layers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "layers/source_text.h"

namespace khronos::layers {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<Violation> check_one(std::string path, std::string text) {
    return check({{std::move(path), std::move(text)}});
}

// The only violation's message, or a note of how many there were.
std::string message_of(std::string path, std::string text) {
    const auto violations = check_one(std::move(path), std::move(text));
    if (violations.size() != 1) return std::to_string(violations.size()) + " violations";
    return violations[0].message;
}

TEST(LayerFloors, ARoomIncludesItselfAndLowerFloors) {
    EXPECT_THAT(check_one("scheduler/engine.cc",
                          "#include \"scheduler/engine.h\"\n#include \"store/store.h\"\n"
                          "#include \"core/cron/cron.h\"\n#include \"base/ids.h\"\n"),
                IsEmpty());
}

TEST(LayerFloors, ARoomDoesNotIncludeAHigherOne) {
    EXPECT_THAT(message_of("core/cron/cron.cc", "#include \"store/store.h\"\n"),
                HasSubstr("is above core (floor 1)"));
    EXPECT_THAT(message_of("base/ids.cc", "#include \"core/cron.h\"\n"), HasSubstr("is above"));
    EXPECT_THAT(message_of("api/routes.cc", "#include \"app/config.h\"\n"), HasSubstr("is above"));
}

TEST(LayerFloors, ARoomDoesNotIncludeItsSibling) {
    EXPECT_THAT(message_of("store/keys.cc", "#include \"wire/convert.h\"\n"),
                HasSubstr("is beside store"));
    EXPECT_THAT(message_of("dispatch/place.h", "#include \"worker/slots.h\"\n"),
                HasSubstr("is beside dispatch"));
}

TEST(LayerFloors, AppConnectsSiblings) {
    EXPECT_THAT(check_one("app/agent.cc",
                          "#include \"scheduler/s.h\"\n#include \"dispatch/d.h\"\n"
                          "#include \"api/http/server.h\"\n#include \"store/embedded/open.h\"\n"),
                IsEmpty());
}

TEST(LayerFloors, AFileOutsideOfTheRoomsIsRefused) {
    EXPECT_THAT(message_of("helper.cc", ""), HasSubstr("in no room"));
    EXPECT_THAT(message_of("utils/strings.cc", ""), HasSubstr("not in the table of rooms"));
}

TEST(LayerFloors, IncludesAreWrittenFromSrc) {
    EXPECT_THAT(message_of("core/a.cc", "#include \"../base/ids.h\"\n"),
                HasSubstr("written from src/"));
    EXPECT_THAT(message_of("core/a.cc", "#include \"a.h\"\n"), HasSubstr("neither in a room"));
}

TEST(LayerFloors, AViolationNamesItsLine) {
    const auto violations =
        check_one("core/a.cc", "// one\n#include <vector>\n\n#include \"store/store.h\"\n");
    ASSERT_THAT(violations, SizeIs(1));
    EXPECT_EQ(violations[0].path, "core/a.cc");
    EXPECT_EQ(violations[0].line, 4);
}

TEST(LayerLeaves, OnlyAppIncludesALeaf) {
    EXPECT_THAT(message_of("scheduler/s.cc", "#include \"store/embedded/open.h\"\n"),
                HasSubstr("is a leaf"));
    EXPECT_THAT(message_of("store/s.cc", "#include \"store/embedded/open.h\"\n"),
                HasSubstr("is a leaf"));
    EXPECT_THAT(message_of("store/embedded/s.cc", "#include \"store/memory/m.h\"\n"),
                HasSubstr("is a leaf"));
}

TEST(LayerLeaves, ALeafKnowsItsOwnRoomAndItself) {
    EXPECT_THAT(check_one("store/embedded/open.cc",
                          "#include \"store/embedded/open.h\"\n#include \"store/store.h\"\n"),
                IsEmpty());
}

TEST(LayerLeaves, TheHttpLeafHasTheLoopOfAsio) {
    EXPECT_THAT(check_one("api/http/server.cc", "#include \"runtime/asio/loop.h\"\n"), IsEmpty());
    EXPECT_THAT(message_of("api/routes.cc", "#include \"runtime/asio/loop.h\"\n"),
                HasSubstr("is a leaf"));
}

TEST(LayerLeaves, AUnitTestMayUseALeafButNotAHigherRoom) {
    EXPECT_THAT(check_one("scheduler/s_test.cc", "#include \"store/memory/memory.h\"\n"),
                IsEmpty());
    EXPECT_THAT(message_of("store/s_test.cc", "#include \"api/http/server.h\"\n"),
                HasSubstr("is above"));
}

struct LibraryCase {
    const char* header;
    const char* right;
    const char* wrong;
};
class LayerLibraries : public testing::TestWithParam<LibraryCase> {};

TEST_P(LayerLibraries, BelongsToItsLeafOnly) {
    const auto& [header, right, wrong] = GetParam();
    const std::string text = std::string("#include <") + header + ">\n";
    EXPECT_THAT(check_one(right, text), IsEmpty());
    EXPECT_THAT(message_of(wrong, text), HasSubstr(header));
}

INSTANTIATE_TEST_SUITE_P(
    Table, LayerLibraries,
    testing::Values(
        LibraryCase{"boost/asio.hpp", "runtime/asio/loop.cc", "scheduler/s.cc"},
        LibraryCase{"boost/beast/http.hpp", "api/http/session.cc", "api/routes.cc"},
        LibraryCase{"boost/json.hpp", "api/json.cc", "core/model/job.cc"},
        LibraryCase{"boost/url.hpp", "cli/client.cc", "worker/url.cc"},
        LibraryCase{"sqlite3.h", "store/embedded/writer.cc", "store/txns.cc"},
        LibraryCase{"curl/curl.h", "worker/curl/fetch.cc", "worker/http.cc"},
        LibraryCase{"spdlog/spdlog.h", "runtime/spdlog/log.cc", "app/agent.cc"},
        LibraryCase{"prometheus/registry.h", "runtime/prometheus/export.cc", "api/metrics.cc"},
        LibraryCase{"CLI/CLI.hpp", "app/config_cli.cc", "cli/commands.cc"},
        LibraryCase{"toml++/toml.h", "app/config_toml.cc", "app/config.cc"},
        LibraryCase{"khronos/store/v1/records.pb.h", "store/codec.cc", "store/txns.cc"},
        LibraryCase{"khronos/worker/v1/worker.pb.h", "wire/convert.cc", "dispatch/stream.cc"},
        LibraryCase{"grpcpp/grpcpp.h", "wire/grpc/server.cc", "wire/convert.cc"},
        LibraryCase{"absl/time/time.h", "core/time/zone.cc", "base/time.cc"},
        LibraryCase{"gtest/gtest.h", "core/cron_test.cc", "core/cron.cc"},
        LibraryCase{"unistd.h", "worker/linux/spawn.cc", "worker/slots.cc"},
        LibraryCase{"openssl/ssl.h", "api/http/tls.cc", "api/tokens.cc"}));

TEST(LayerLibraries, WhatOnlyTestsIncludeIsATest) {
    const char* text = "#include <gtest/gtest.h>\n";
    for (const char* path :
         {"store/conformance.h", "store/conformance_driver.h", "app/a_testing.h",
          "api/http/http_test_support.h", "core/a_bench.cc", "store/embedded/embedded_harness.h"})
        EXPECT_THAT(check_one(path, text), IsEmpty()) << path;
    for (const char* path : {"store/store.h", "core/test.h", "app/contest.cc"})
        EXPECT_THAT(check_one(path, text), SizeIs(1)) << path;
}

TEST(LayerLibraries, AMainTalksToTheSystem) {
    EXPECT_THAT(check_one("sim/sim_main.cc", "#include <unistd.h>\n"), IsEmpty());
    EXPECT_THAT(message_of("sim/world.cc", "#include <unistd.h>\n"), HasSubstr("belongs to"));
}

TEST(LayerLibraries, AnUnknownLibraryNeedsALeafAndALine) {
    EXPECT_THAT(message_of("store/embedded/a.cc", "#include <rocksdb/db.h>\n"),
                HasSubstr("needs a leaf"));
}

TEST(LayerPurity, WhatDecidesHasNoThreadsFilesOrEntropy) {
    for (const char* header : {"thread", "mutex", "fstream", "iostream", "random", "filesystem"}) {
        const std::string text = std::string("#include <") + header + ">\n";
        EXPECT_THAT(message_of("core/a.cc", text), HasSubstr("only decides")) << header;
        EXPECT_THAT(message_of("base/a.cc", text), HasSubstr("only decides")) << header;
        EXPECT_THAT(check_one("core/a_test.cc", text), IsEmpty()) << header;
        EXPECT_THAT(check_one("app/a.cc", text), IsEmpty()) << header;
    }
}

TEST(LayerClocks, ARealClockIsReadOnlyWhereTheTableSays) {
    for (const char* code : {
             "auto t = std::chrono::system_clock::now();",
             "auto t = std::chrono::steady_clock::now();",
             "clock_gettime(id, &ts);",
             "auto id = CLOCK_BOOTTIME;",
             "auto t = time(nullptr);",
             "auto t = ::time(NULL);",
             "auto t = std::time(0);",
             "getrandom(buffer, 8, 0);",
             "std::random_device device;",
             "int x = rand();",
             "auto t = absl::Now();",
             "std::this_thread::sleep_for(1s);",
             "int fd = open(\"/dev/urandom\", 0);",
         }) {
        EXPECT_THAT(message_of("scheduler/a.cc", code), HasSubstr("real clock or entropy")) << code;
        EXPECT_THAT(message_of("core/a_test.cc", code), HasSubstr("real clock or entropy")) << code;
        for (const char* allowed :
             {"runtime/asio/loop.cc", "app/agent.cc", "worker/linux/spawn.cc", "runner/main.cc"})
            EXPECT_THAT(check_one(allowed, code), IsEmpty()) << allowed << ": " << code;
    }
}

TEST(LayerClocks, WordsThatOnlyLookLikeAClockAreLeftAlone) {
    EXPECT_THAT(check_one("core/a.cc",
                          "// CLOCK_BOOTTIME goes on; time(nullptr) is not called\n"
                          "/* std::chrono::system_clock */\n"
                          "const char* kText = \"system_clock\";\n"
                          "auto a = fire_time(0);\n"
                          "auto b = job.time(0);\n"
                          "auto c = operand(1);\n"
                          "boost::asio::steady_timer* d;\n"
                          "auto e = absl::FromUnixMicros(1'000'000);\n"),
                IsEmpty());
}

TEST(LayerRunner, KnowsOnlyLibcAndItsProtocol) {
    EXPECT_THAT(check_one("runner/runner_main.cc",
                          "#include <unistd.h>\n#include <sys/wait.h>\n#include <cstring>\n"
                          "#include \"runner/supervisor.h\"\n#include \"base/limits.h\"\n"
                          "#include \"worker/linux/runner_protocol.h\"\n"),
                SizeIs(0));
    EXPECT_THAT(message_of("runner/runner_main.cc", "#include \"base/ids.h\"\n"),
                HasSubstr("a program of its own"));
    EXPECT_THAT(message_of("runner/runner_main.cc", "#include <fmt/format.h>\n"),
                HasSubstr("nothing but libc"));
    EXPECT_THAT(check_one("runner/output_file_test.cc", "#include <gtest/gtest.h>\n"), IsEmpty());
}

TEST(LayerRunner, IsKnownToItsWorkerOnly) {
    const char* text = "#include \"runner/protocol.h\"\n";
    EXPECT_THAT(check_one("worker/linux/link.cc", text), IsEmpty());
    EXPECT_THAT(message_of("worker/slots.cc", text), HasSubstr("only worker/linux"));
    EXPECT_THAT(message_of("app/agent.cc", text), HasSubstr("only worker/linux"));
}

TEST(LayerLength, AFileHasOneSubject) {
    std::string text;
    for (int i = 0; i < 600; ++i)
        text += "\n";
    EXPECT_THAT(check_one("core/a.cc", text), IsEmpty());
    EXPECT_THAT(message_of("core/a.cc", text + "\n"), HasSubstr("601 lines"));
}

TEST(LayerTree, ReadsHeadersAndSourcesInAllFolders) {
    const std::filesystem::path root =
        std::filesystem::path(testing::TempDir()) / "khronos-layers-tree";
    std::filesystem::remove_all(root);
    std::filesystem::create_directories(root / "core/cron");
    std::ofstream(root / "core/cron/cron.cc") << "#include \"store/store.h\"\n";
    std::ofstream(root / "core/cron/cron.h") << "#pragma once\n";
    std::ofstream(root / "core/CMakeLists.txt") << "not a source\n";
    const auto files = load_tree(root);
    std::filesystem::remove_all(root);
    ASSERT_THAT(files, SizeIs(2));
    EXPECT_EQ(files[0].path, "core/cron/cron.cc");
    EXPECT_EQ(files[1].path, "core/cron/cron.h");
    EXPECT_THAT(check(files), SizeIs(1));
}

TEST(LayerSourceText, FindsIncludesOutsideOfComments) {
    EXPECT_EQ(includes_of("#include <a>\n"
                          "// #include <no>\n"
                          "/* #include <no>\n#include <no> */\n"
                          "  #  include \"b/c.h\"  // why\n"
                          "#include <d>"),
              (std::vector<Include>{{1, "a", false}, {5, "b/c.h", true}, {6, "d", false}}));
}

TEST(LayerSourceText, KeepsStringsApartFromComments) {
    EXPECT_EQ(strip_comments("a = \"//\"; // b", false), "a = \"//\";     ");
    EXPECT_EQ(strip_comments("a = \"x\\\"y\"; b", true), "a = \"    \"; b");
    EXPECT_EQ(strip_comments("a = '\"'; /* b */ c", true), "a = ' ';         c");
    EXPECT_EQ(strip_comments("x = 1'000; // c", true), "x = 1'000;     ");
    EXPECT_EQ(strip_comments("f(R\"(a \"// b)\"); g", true), "f(R           ); g");
    EXPECT_EQ(strip_comments("/* no end", true), "         ");
}

}  // namespace
}  // namespace khronos::layers
