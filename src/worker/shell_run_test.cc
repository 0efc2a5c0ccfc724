#include "worker/shell_run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace khronos::worker {
namespace {

using Words = std::vector<std::string>;

core::RunSpec spec_with(core::StringMap config) {
    core::RunSpec spec;
    spec.id.execution.uid = JobUid{7};
    spec.id.execution.trigger.at = WallTime::from_seconds(1704067200);
    spec.id.attempt = AttemptNo{2};
    spec.job_name = "backup";
    spec.scheduled_at = WallTime::from_seconds(1704067200);
    spec.executor = "shell";
    spec.executor_config = std::move(config);
    return spec;
}

constexpr Now kNow{WallTime::from_seconds(1704067205), MonoTime{5'000'000}};

std::expected<ProcessSpec, Error> made(const core::RunSpec& spec, MonoTime deadline = {}) {
    return shell_process(spec, FenceToken{99}, "node-1", deadline, kNow);
}

std::optional<std::string> value(const ProcessSpec& p, std::string_view name) {
    for (const auto& [n, v] : p.env)
        if (n == name) return v;
    return std::nullopt;
}

TEST(SplitWords, FollowsTheShellsQuoting) {
    struct Case {
        std::string text;
        Words words;
    };
    for (const Case& c :
         std::vector<Case>{{"", {}},
                           {"  \t\n ", {}},
                           {"echo hello", {"echo", "hello"}},
                           {"  echo   a\tb\nc ", {"echo", "a", "b", "c"}},
                           {"echo 'a  b'", {"echo", "a  b"}},
                           {R"(echo "a  b")", {"echo", "a  b"}},
                           {R"(echo a\ b)", {"echo", "a b"}},
                           {R"(echo '')", {"echo", ""}},
                           {R"(echo "" x)", {"echo", "", "x"}},
                           {R"(a'b'"c"d)", {"abcd"}},
                           {R"('a\nb')", {R"(a\nb)"}},
                           {R"("a\nb")", {R"(a\nb)"}},
                           {R"("a\"b\\c\$d\`e")", {R"(a"b\c$d`e)"}},
                           {R"(\"a)", {R"("a)"}},
                           {R"(it\'s)", {"it's"}},
                           {R"('it'\''s')", {"it's"}},
                           {"a\\\nb", {"ab"}},
                           {"\"a\\\nb\"", {"ab"}},
                           {"$HOME *.txt ~ | > # &", {"$HOME", "*.txt", "~", "|", ">", "#", "&"}},
                           {"caf\xc3\xa9 'na\xc3\xafve'", {"caf\xc3\xa9", "na\xc3\xafve"}}}) {
        const auto words = split_words(c.text);
        ASSERT_TRUE(words) << c.text << ": " << words.error();
        EXPECT_EQ(*words, c.words) << c.text;
    }
}

TEST(SplitWords, SaysWhichQuoteIsOpen) {
    EXPECT_EQ(split_words("echo 'abc").error(), "the single quote at character 6 is never closed");
    EXPECT_EQ(split_words("echo \"abc\\\"").error(),
              "the double quote at character 6 is never closed");
    EXPECT_EQ(split_words("echo \\").error(), "the backslash at the end quotes nothing");
}

TEST(ShellProcess, RunsWordsWithoutAShellAndWithOneWhenAsked) {
    EXPECT_EQ(made(spec_with({{"command", "ls -l '/a b'"}}))->argv, (Words{"ls", "-l", "/a b"}));
    EXPECT_EQ(made(spec_with({{"command", "ls | wc"}, {"shell", "true"}}))->argv,
              (Words{"/bin/sh", "-c", "ls | wc"}));
    EXPECT_EQ(made(spec_with({{"command", "ls | wc"}, {"shell", "false"}}))->argv,
              (Words{"ls", "|", "wc"}));
}

TEST(ShellProcess, TellsTheJobWhatItIs) {
    core::RunSpec spec = spec_with({{"command", "x"}, {"env", "lower=a=b,UPPER=,,Z_9=z"}});
    spec.payload = R"({"k":1})";
    const auto p = made(spec);
    ASSERT_TRUE(p);
    EXPECT_EQ(value(*p, "KHRONOS_JOB_NAME"), "backup");
    EXPECT_EQ(value(*p, "ENV_JOB_NAME"), "backup");
    EXPECT_EQ(value(*p, "KHRONOS_EXECUTION_ID"), to_text(spec.id.execution));
    EXPECT_EQ(value(*p, "KHRONOS_SCHEDULED_AT"), "2024-01-01T00:00:00Z");
    EXPECT_EQ(value(*p, "KHRONOS_ATTEMPT"), "2");
    EXPECT_EQ(value(*p, "KHRONOS_TOKEN"), "99");
    EXPECT_EQ(value(*p, "KHRONOS_NODE_NAME"), "node-1");
    EXPECT_EQ(value(*p, "KHRONOS_APPLICATION"), "default");
    EXPECT_EQ(value(*p, "KHRONOS_PAYLOAD"), R"({"k":1})");
    EXPECT_EQ(value(*p, "KHRONOS_DEADLINE"), std::nullopt);
    EXPECT_EQ(value(*p, "lower"), "a=b");
    EXPECT_EQ(value(*p, "UPPER"), "");
    EXPECT_EQ(value(*p, "Z_9"), "z");
}

TEST(ShellProcess, KnowsItsDeadlineFromTheTimeoutOrElseTheGuard) {
    core::RunSpec spec = spec_with({{"command", "x"}});
    EXPECT_EQ(value(*made(spec, kNow.mono + std::chrono::seconds(40)), "KHRONOS_DEADLINE"),
              "2024-01-01T00:00:45Z");
    spec.timeout = std::chrono::seconds(10);
    EXPECT_EQ(value(*made(spec, kNow.mono + std::chrono::seconds(40)), "KHRONOS_DEADLINE"),
              "2024-01-01T00:00:15Z");
}

TEST(ShellProcess, LetsTheJobsOwnFieldsWinOverTheExecutors) {
    core::RunSpec spec = spec_with({{"command", "x"}, {"timeout", "1m30s"}, {"su", "www:www"}});
    EXPECT_EQ(made(spec)->timeout, std::chrono::seconds(90));
    EXPECT_EQ(made(spec)->run_as, "www:www");
    spec.timeout = std::chrono::seconds(10);
    spec.run_as = "backup";
    EXPECT_EQ(made(spec)->timeout, std::chrono::seconds(10));
    EXPECT_EQ(made(spec)->run_as, "backup");
}

TEST(ShellProcess, FeedsThePayloadToStandardInput) {
    const auto p = made(spec_with({{"command", "cat"}, {"payload", "aGVs\nbG8="}}));
    EXPECT_TRUE(p->has_input);
    EXPECT_EQ(p->input, "hello");
    EXPECT_FALSE(made(spec_with({{"command", "cat"}}))->has_input);
}

TEST(ShellProcess, RefusesWhatCannotRun) {
    struct Case {
        core::StringMap config;
        std::string field;
        std::string part;
    };
    for (const Case& c : std::vector<Case>{
             {{}, "command", "needs a command"},
             {{{"command", "  "}}, "command", "is empty"},
             {{{"command", "''"}}, "command", "is empty"},
             {{{"command", "echo 'x"}}, "command", "never closed"},
             {{{"command", std::string("a\0b", 3)}}, "command", "NUL"},
             {{{"command", std::string(140000, 'x')}}, "command", "too long"},
             {{{"command", "x"}, {"shell", "yes"}}, "shell", "neither true nor false"},
             {{{"command", "x"}, {"cwd", "tmp"}}, "cwd", "absolute"},
             {{{"command", "x"}, {"timeout", "soon"}}, "timeout", "not a duration"},
             {{{"command", "x"}, {"timeout", "-1s"}}, "timeout", "longer than nothing"},
             {{{"command", "x"}, {"mem_limit", "much"}}, "mem_limit", "not a size"},
             {{{"command", "x"}, {"payload", "a*b"}}, "payload", "character 2"},
             {{{"command", "x"}, {"env", "novalue"}}, "env", "not NAME=value"},
             {{{"command", "x"}, {"env", "=v"}}, "env", "not NAME=value"},
             {{{"command", "x"}, {"env", "1A=v"}}, "env", "letters, digits"},
             {{{"command", "x"}, {"env", "A B=v"}}, "env", "letters, digits"},
             {{{"command", "x"}, {"env", "OK=1,LD_PRELOAD=/x.so"}}, "env", "LD_PRELOAD may not"},
             {{{"command", "x"}, {"env", "LD_LIBRARY_PATH=/x"}}, "env", "may not"},
             {{{"command", "x"}, {"env", "BASH_ENV=/x"}}, "env", "may not"},
             {{{"command", "x"}, {"env", "IFS=/"}}, "env", "may not"},
             {{{"command", "x"}, {"env", "BASH_FUNC_ls%%=() { x; }"}}, "env", "letters, digits"},
             {{{"command", "x"}, {"env", "KHRONOS_TOKEN=1"}}, "env", "Khronos itself"}}) {
        const auto p = made(spec_with(c.config));
        ASSERT_FALSE(p) << c.part;
        EXPECT_EQ(p.error().field, "executor_config." + c.field);
        EXPECT_NE(p.error().message.find(c.part), std::string::npos) << p.error().message;
    }
    core::RunSpec big = spec_with({{"command", "x"}});
    big.payload = std::string(140000, ' ');
    EXPECT_EQ(made(big).error().field, "payload");
}

TEST(ParseSize, TakesDkronsSpellings) {
    EXPECT_EQ(parse_size("512MB"), 512ull << 20);
    EXPECT_EQ(parse_size("1.5g"), 3ull << 29);
    EXPECT_EQ(parse_size("2 KiB"), 2048u);
    EXPECT_EQ(parse_size("100"), 100u);
    for (const char* bad : {"", "MB", "0", "-1MB", "1XB", "1e3MB", "99999999TB"})
        EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(DecodeBase64, AcceptsMissingPaddingAndNothingElse) {
    EXPECT_EQ(decode_base64(""), "");
    EXPECT_EQ(decode_base64("YQ=="), "a");
    EXPECT_EQ(decode_base64("YQ"), "a");
    EXPECT_EQ(decode_base64("AP8+/w=="), std::string("\0\xff>\xff", 4));
    for (const char* bad : {"Y", "YQ==YQ", "Y-Q="})
        EXPECT_FALSE(decode_base64(bad)) << bad;
}

}  // namespace
}  // namespace khronos::worker
