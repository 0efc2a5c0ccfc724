#include "worker/curl/http_executor.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "runtime/manual_loop.h"
#include "worker/curl/testing/small_server.h"

namespace khronos::worker {
namespace {

using core::ExecutionState;

struct Bench {
    explicit Bench(HttpExecutorConfig config = {AddressPolicy::allow_all()})
        : http(std::move(config), loop) {}

    static core::RunSpec spec(core::StringMap config) {
        core::RunSpec s;
        s.id.execution.uid = JobUid{7};
        s.id.execution.trigger.at = WallTime::from_seconds(1704067200);
        s.id.attempt = AttemptNo{2};
        s.executor = "http";
        s.executor_config = std::move(config);
        return s;
    }
    Executor::Result run(const core::RunSpec& s) {
        start(s);
        return wait();
    }
    Executor::Result run(core::StringMap config) { return run(spec(std::move(config))); }
    void start(const core::RunSpec& s) {
        http.run(s, FenceToken{99}, [this](Executor::Result r) { result = std::move(r); });
    }
    Executor::Result wait() {
        loop.run_until([this] { return result.has_value(); });
        return *std::exchange(result, std::nullopt);
    }

    runtime::ManualLoop loop;
    HttpExecutor http;
    std::optional<Executor::Result> result;
};

TEST(HttpExecutor, AsksAndKeepsTheAnswer) {
    SmallServer server([](const std::string&) { return http_answer(200, "hello"); });
    Bench bench;
    const auto r =
        bench.run({{"method", "post"},
                   {"url", server.url("/x?y=z")},
                   {"body", "a body"},
                   {"headers", R"(["X-Time: 12:30:45", "Content-Type: text/plain", "X-Empty:"])"}});
    EXPECT_EQ(r.result.outcome, ExecutionState::succeeded) << r.result.message;
    EXPECT_EQ(r.output.head, "hello");
    EXPECT_EQ(r.result.output_tail, "hello");
    ASSERT_EQ(server.requests().size(), 1u);
    const std::string request = server.requests()[0];
    EXPECT_TRUE(request.starts_with("POST /x?y=z HTTP/1.1\r\n")) << request;
    EXPECT_TRUE(request.ends_with("\r\n\r\na body")) << request;
    for (const char* line : {"X-Time: 12:30:45\r\n", "Content-Type: text/plain\r\n", "X-Empty:\r\n",
                             "Idempotency-Key: 0000000000000007-01704067200000000t-0\r\n",
                             "Khronos-Attempt: 2\r\n", "Khronos-Token: 99\r\n"})
        EXPECT_NE(request.find(line), request.npos) << line << request;
}

TEST(HttpExecutor, SendsNothingThatWasNotAskedFor) {
    SmallServer server([](const std::string&) { return http_answer(200, ""); });
    Bench bench;
    ::setenv("http_proxy", "http://127.0.0.1:9", 1);
    const auto r =
        bench.run({{"url", server.url()}, {"method", "PUT"}, {"body", std::string(5000, 'x')}});
    ::unsetenv("http_proxy");
    EXPECT_EQ(r.result.outcome, ExecutionState::succeeded) << r.result.message;
    const std::string request = server.requests().at(0);
    EXPECT_TRUE(request.starts_with("PUT / HTTP/1.1\r\n"));
    EXPECT_EQ(request.find("Expect:"), request.npos);
    EXPECT_EQ(request.find("Content-Type:"), request.npos);
}

TEST(HttpExecutor, JudgesByTheStatus) {
    struct Case {
        int status;
        const char* expect;
        bool success;
    };
    for (const Case& c :
         {Case{200, "", true}, Case{302, "", true}, Case{399, "", true}, Case{400, "", false},
          Case{500, "", false}, Case{500, "200,500", true}, Case{200, "201, 204", false}}) {
        SmallServer server([&](const std::string&) { return http_answer(c.status, "b"); });
        Bench bench;
        const auto r = bench.run({{"url", server.url()}, {"expectCode", c.expect}});
        EXPECT_EQ(r.result.outcome == ExecutionState::succeeded, c.success)
            << c.status << " " << c.expect;
        EXPECT_EQ(r.result.exit_code, c.success ? 0 : 1);
        EXPECT_EQ(r.output.head, "b");
    }
    SmallServer server([](const std::string&) { return http_answer(503, "busy"); });
    Bench bench;
    EXPECT_EQ(bench.run({{"url", server.url()}}).result.message,
              "HTTP status 503, expected one below 400");
}

TEST(HttpExecutor, JudgesByTheBody) {
    SmallServer server([](const std::string&) { return http_answer(200, "all is 42 well"); });
    Bench bench;
    EXPECT_EQ(bench.run({{"url", server.url()}, {"expectBody", R"(is \d+ w)"}}).result.outcome,
              ExecutionState::succeeded);
    EXPECT_EQ(bench.run({{"url", server.url()}, {"expectBody", "^is"}}).result.message,
              "HTTP status 200, but the answer does not match expectBody");
}

TEST(HttpExecutor, IsNotSlowedByANastyPattern) {
    SmallServer server(
        [](const std::string&) { return http_answer(200, std::string(100000, 'a')); });
    Bench bench;
    EXPECT_EQ(bench.run({{"url", server.url()}, {"expectBody", "(a+)+$b"}}).result.outcome,
              ExecutionState::failed);
}

TEST(HttpExecutor, KeepsHeadAndTailOfALongAnswerAndNoEndlessOne) {
    std::string body;
    for (int i = 0; i < 100000; ++i)
        body += std::to_string(i) + "\n";
    SmallServer server([&](const std::string&) { return http_answer(200, body); });
    Bench bench;
    const auto r = bench.run({{"url", server.url()}});
    EXPECT_EQ(r.output.total, body.size());
    EXPECT_EQ(r.output.head, body.substr(0, limits::kOutputHead));
    EXPECT_EQ(r.output.tail, body.substr(body.size() - limits::kOutputTail));
    EXPECT_EQ(r.result.output_tail, body.substr(body.size() - limits::kOutputTailInRecord));
    Bench narrow({AddressPolicy::allow_all(), 1000, "khronos"});
    EXPECT_EQ(narrow.run({{"url", server.url()}}).result.message,
              "the answer is longer than 1000 bytes");
}

TEST(HttpExecutor, GivesUpInTimeAndWhenCancelled) {
    SmallServer silent([](const std::string&) { return std::string(); });
    Bench bench;
    core::RunSpec spec = Bench::spec({{"url", silent.url()}, {"timeout", "3600"}});
    spec.timeout = std::chrono::milliseconds(50);
    EXPECT_EQ(bench.run(spec).result.outcome, ExecutionState::timed_out);
    spec.timeout = {};
    for (const auto& [why, outcome] : {std::pair{KilledBy::cancel, ExecutionState::cancelled},
                                       std::pair{KilledBy::guard, ExecutionState::lost}}) {
        bench.start(spec);
        bench.http.cancel(spec.id, why);
        EXPECT_EQ(bench.wait().result.outcome, outcome);
    }
    bench.start(spec);  // given up when the executor goes
}

TEST(HttpExecutor, FollowsRedirectsButNotForEver) {
    SmallServer server([](const std::string& request) {
        if (request.starts_with("GET /round ")) return http_answer(302, "", "Location: /round\r\n");
        if (request.starts_with("GET /old "))
            return http_answer(301, "moved", "Location: /new\r\n");
        return http_answer(200, "here");
    });
    Bench bench;
    EXPECT_EQ(bench.run({{"url", server.url("/old")}}).output.head, "here");
    EXPECT_EQ(bench.run({{"url", server.url("/round")}}).result.outcome, ExecutionState::failed);
    EXPECT_EQ(server.requests().size(), 2u + 11u);
}

TEST(HttpExecutor, LeavesHttpByNoRedirect) {
    SmallServer server([](const std::string&) {
        return http_answer(302, "", "Location: file:///etc/passwd\r\n");
    });
    Bench bench;
    const auto r = bench.run({{"url", server.url()}});
    EXPECT_EQ(r.result.outcome, ExecutionState::failed);
    EXPECT_EQ(r.output.head.find("root:"), std::string::npos);
}

TEST(HttpExecutor, ReachesOnlyWhatThePolicyLetsItReach) {
    SmallServer server([](const std::string&) { return http_answer(200, "secret"); });
    const std::string port = std::to_string(server.port());
    Bench bench({AddressPolicy()});
    for (const char* host :
         {"127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0.0.0.0",
          "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "user@127.0.0.1", "127.0.0.1.", "[::1]"}) {
        const auto r = bench.run(
            {{"url", std::string("http://") + host + ":" + port + "/"}, {"timeout", "5"}});
        EXPECT_EQ(r.result.outcome, ExecutionState::failed) << host;
        EXPECT_EQ(r.output.total, 0u) << host;
    }
    EXPECT_TRUE(server.requests().empty());
    EXPECT_EQ(bench.run({{"url", server.url()}}).result.message,
              "127.0.0.1 is a loopback address, which this worker does not let http jobs reach");
}

TEST(HttpExecutor, ChecksTheTargetOfARedirectToo) {
    SmallServer inner([](const std::string&) { return http_answer(200, "secret"); });
    SmallServer outer([&](const std::string&) {
        return http_answer(302, "",
                           "Location: http://127.0.0.2:" + std::to_string(inner.port()) + "/\r\n");
    });
    const std::vector<std::string> only = {"127.0.0.1/32"};
    Bench bench({*AddressPolicy::with_networks(only)});
    const auto r = bench.run({{"url", outer.url()}});
    EXPECT_EQ(outer.requests().size(), 1u);
    EXPECT_EQ(r.result.outcome, ExecutionState::failed);
    EXPECT_NE(r.result.message.find("127.0.0.2"), std::string::npos);
}

TEST(HttpExecutor, SaysWhatIsWrongBeforeTheRun) {
    Bench bench;
    EXPECT_EQ(bench.http.check(Bench::spec({{"url", "http://x/"}})), std::nullopt);
    EXPECT_NE(bench.http.check(Bench::spec({{"url", "ftp://x/"}}))->find("executor_config.url"),
              std::string::npos);
    EXPECT_NE(bench.http.check(Bench::spec({{"url", "http://x/"}, {"expectBody", "(a"}}))
                  ->find("expectBody"),
              std::string::npos);
}

TEST(HttpExecutor, FailsClearlyWhereNobodyListens) {
    int port = 0;
    {
        SmallServer gone([](const std::string&) { return std::string(); });
        port = gone.port();
    }
    Bench bench;
    const auto r = bench.run({{"url", "http://127.0.0.1:" + std::to_string(port) + "/"}});
    EXPECT_EQ(r.result.outcome, ExecutionState::failed);
    EXPECT_NE(r.result.message.find("Failed to connect"), std::string::npos) << r.result.message;
}

TEST(HttpExecutor, ShowsTheTalkWhenDebugging) {
    SmallServer server([](const std::string&) { return http_answer(200, "hello"); });
    Bench bench;
    const auto r = bench.run({{"url", server.url("/p?secret=1")}, {"debug", "true"}});
    EXPECT_NE(r.output.head.find("> GET " + server.url("/p") + "\n< HTTP/1.1 200 X\n"),
              std::string::npos)
        << r.output.head;
    EXPECT_TRUE(r.output.head.ends_with("hello"));
}

}  // namespace
}  // namespace khronos::worker
