#include "runtime/spdlog/spdlog_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <regex>
#include <thread>
#include <vector>

#include "runtime/spdlog/log_format.h"

namespace khronos::runtime {
namespace {

std::string text(std::string_view message, std::initializer_list<LogField> fields = {}) {
    std::string out;
    append_text(out, message, Log::Fields(fields.begin(), fields.size()));
    return out;
}

std::string json(std::string_view message, std::initializer_list<LogField> fields = {}) {
    std::string out;
    append_json(out, message, Log::Fields(fields.begin(), fields.size()));
    return out;
}

TEST(LogFormat, ShowsEachKindOfField) {
    const std::string owned = "two words";
    const std::initializer_list<LogField> fields = {field::job("backup"),
                                                    field::attempt(AttemptNo(2)),
                                                    field::shard(ShardId(7)),
                                                    field::epoch(Epoch(3)),
                                                    {"uid", JobUid(0xab)},
                                                    {"late", Duration(1500ms)},
                                                    {"ok", true},
                                                    {"delta", -5},
                                                    {"share", 0.5},
                                                    {"why", owned},
                                                    {"none", ""}};
    EXPECT_EQ(text("fired", fields),
              "fired job=backup attempt=2 shard=7 epoch=3 uid=00000000000000ab late=1.5s ok=true "
              "delta=-5 share=0.5 why=\"two words\" none=\"\"");
    EXPECT_EQ(json("fired", fields),
              R"("message":"fired","job":"backup","attempt":2,"shard":7,"epoch":3,)"
              R"("uid":"00000000000000ab","late":"1.5s","ok":true,"delta":-5,"share":0.5,)"
              R"("why":"two words","none":"")");
}

TEST(LogFormat, KeepsALineALineWhateverItSays) {
    EXPECT_EQ(text("a\nb\r\tc", {{"x", "1\n2026 error forged"}}),
              "a\\nb\\u000d\\u0009c x=\"1\\n2026 error forged\"");
    EXPECT_EQ(text("m", {{"x", "a=b"}, {"y", "say \"hi\" \\"}}), R"(m x="a=b" y="say \"hi\" \\")");
    EXPECT_EQ(text("\x1b[31mred\x7f"), "\\u001b[31mred\\u007f");
    EXPECT_EQ(text("\xc2\x9b"
                   "31m \xe2\x80\xae"
                   "abc \xe2\x80\xa8"),
              "\\u009b31m \\u202eabc \\u2028");
    EXPECT_EQ(text("bad \xff\xc0\xaf end caf\xc3\xa9"), "bad \\xff\\xc0\\xaf end caf\xc3\xa9");
    EXPECT_EQ(json("a\"b\\\n\x01", {{"x\"", "\xff\xe2\x80\xa8"}}),
              R"("message":"a\"b\\\u000a\u0001","x\"":"\ufffd\u2028")");
    EXPECT_EQ(json("m", {{"x", std::numeric_limits<double>::infinity()}}),
              R"("message":"m","x":null)");
}

// What the log wrote to its stream.
std::string written(SpdlogConfig config, const std::function<void(SpdlogLog&)>& use) {
    std::FILE* stream = std::tmpfile();
    config.stream = stream;
    {
        SpdlogLog log(config);
        use(log);
    }
    std::rewind(stream);
    std::string all;
    char piece[4096];
    while (const std::size_t got = std::fread(piece, 1, sizeof piece, stream))
        all.append(piece, got);
    std::fclose(stream);
    return all;
}

TEST(SpdlogLog, WritesOneLineOfTextForEachCall) {
    const std::string all = written({}, [](SpdlogLog& log) {
        log.debug("not shown");
        log.info("started {} %v", {field::job("a")});
        log.error("broken");
    });
    EXPECT_TRUE(std::regex_match(
        all, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info  started \{\} %v job=a)"
                        "\n"
                        R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error broken)"
                        "\n")))
        << all;
}

TEST(SpdlogLog, WritesOneJsonObjectForEachCall) {
    const std::string all = written({SpdlogConfig::Format::json, LogLevel::debug},
                                    [](SpdlogLog& log) { log.warn("a\nb %v", {{"n", 1}}); });
    EXPECT_TRUE(std::regex_match(
        all, std::regex(R"(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z","level":"warn",)"
                        R"("message":"a\\u000ab %v","n":1\})"
                        "\n")))
        << all;
}

TEST(SpdlogLog, ChangesItsLevelWhileItRuns) {
    const std::string all = written({}, [](SpdlogLog& log) {
        EXPECT_FALSE(log.enabled(LogLevel::debug));
        log.set_level(LogLevel::debug);
        log.debug("now");
        log.set_level(LogLevel::error);
        log.warn("not now");
    });
    EXPECT_NE(all.find("debug now\n"), std::string::npos);
    EXPECT_EQ(all.find("not now"), std::string::npos);
}

TEST(SpdlogLog, KeepsTheLinesOfManyThreadsWhole) {
    const std::string all = written({}, [](SpdlogLog& log) {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 200; ++i)
                    log.info("line", {{"i", i}});
            });
        for (std::thread& thread : threads)
            thread.join();
    });
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 800);
    const std::regex line(R"([^ ]+Z info  line i=\d+)");
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = all.find('\n', at);
        EXPECT_TRUE(std::regex_match(all.substr(at, end - at), line));
        at = end + 1;
    }
}

}  // namespace
}  // namespace khronos::runtime
