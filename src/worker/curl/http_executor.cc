#include "worker/curl/http_executor.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <re2/re2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/duration.h"
#include "worker/output_buffer.h"

namespace khronos::worker {
namespace {

constexpr long kMostRedirects = 10;
constexpr long kConnectMs = 10'000;
constexpr long kMostConnections = 200;

RE2::Options quiet() {
    RE2::Options options;
    options.set_log_errors(false);
    return options;
}

std::optional<Address> address_of(const sockaddr& socket_address) {
    if (socket_address.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &socket_address, sizeof v4);
        std::uint8_t b[4];
        std::memcpy(b, &v4.sin_addr, sizeof b);
        return address_v4(b[0], b[1], b[2], b[3]);
    }
    if (socket_address.sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &socket_address, sizeof v6);
        Address a{};
        std::memcpy(a.data(), &v6.sin6_addr, a.size());
        return a;
    }
    return std::nullopt;
}

}  // namespace

struct HttpExecutor::Transfer {
    core::AttemptId id;
    HttpRequest request;
    Done done;
    const HttpExecutorConfig* config = nullptr;

    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    char error[CURL_ERROR_SIZE] = {};
    OutputBuffer output;
    std::string answer_head;  // what expectBody is looked for in
    std::uint64_t answer_bytes = 0;
    std::string refused_address;  // why the policy let no connection be made
    bool too_long = false;
    WallTime started_at;

    Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() {
        if (easy) curl_easy_cleanup(easy);
        curl_slist_free_all(headers);
    }

    void prepare();
    Result finish(CURLcode code, WallTime now);

    static std::size_t on_body(char* data, std::size_t one, std::size_t size, void* self);
    static std::size_t on_header(char* data, std::size_t one, std::size_t size, void* self);
    static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
};

std::size_t HttpExecutor::Transfer::on_body(char* data, std::size_t, std::size_t size, void* self) {
    auto& t = *static_cast<Transfer*>(self);
    const std::string_view bytes(data, size);
    t.answer_bytes += size;
    if (t.answer_bytes > t.config->answer_bytes) {
        t.too_long = true;
        return 0;
    }
    t.answer_head += bytes.substr(0, limits::kOutputHead - t.answer_head.size());
    t.output.append(bytes);
    return size;
}

std::size_t HttpExecutor::Transfer::on_header(char* data, std::size_t, std::size_t size,
                                              void* self) {
    auto& t = *static_cast<Transfer*>(self);
    // The answer to a redirect has a body too; what counts is the last one.
    if (std::string_view(data, size).starts_with("HTTP/")) t.answer_head.clear();
    if (t.request.debug) {
        std::string_view line(data, size);
        while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
            line.remove_suffix(1);
        t.output.append(fmt::format("< {}\n", line));
    }
    return size;
}

curl_socket_t HttpExecutor::Transfer::open_socket(void* self, curlsocktype,
                                                  curl_sockaddr* address) {
    auto& t = *static_cast<Transfer*>(self);
    const auto target = address_of(address->addr);
    const auto refusal =
        target ? t.config->addresses.refuse(*target)
               : std::optional<std::string>("only IPv4 and IPv6 addresses can be reached");
    if (refusal) {
        t.refused_address = *refusal;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void HttpExecutor::Transfer::prepare() {
    easy = curl_easy_init();
    const auto set = [this](CURLoption option, auto value) {
        curl_easy_setopt(easy, option, value);
    };
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kMostRedirects);
    set(CURLOPT_PROXY, "");  // also none from the environment
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_TIMEOUT_MS,
        static_cast<long>(std::max<std::int64_t>(request.timeout.count() / 1000, 1)));
    set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
    set(CURLOPT_ERRORBUFFER, error);
    set(CURLOPT_USERAGENT, config->user_agent.c_str());
    set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    // A connection made for one run's certificate or policy is not another's.
    set(CURLOPT_FRESH_CONNECT, 1L);
    set(CURLOPT_FORBID_REUSE, 1L);

    if (request.method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
    } else if (request.method == "POST") {
        set(CURLOPT_POST, 1L);
    } else if (request.method != "GET" || !request.body.empty()) {
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    if (request.method != "HEAD" && (!request.body.empty() || request.method == "POST")) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(CURLOPT_POSTFIELDS, request.body.c_str());
    }
    const auto append = [this](const std::string& line) {
        headers = curl_slist_append(headers, line.c_str());
    };
    // Neither a question before the body nor a guess at the body's type.
    append("Expect:");
    const bool typed = std::ranges::any_of(request.headers, [](const auto& h) {
        return h.first.size() == 12 && ::strncasecmp(h.first.c_str(), "content-type", 12) == 0;
    });
    if (!typed) append("Content-Type:");
    for (const auto& [name, value] : request.headers)
        append(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
    set(CURLOPT_HTTPHEADER, headers);

    set(CURLOPT_SSL_VERIFYPEER, request.verify_peer ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, request.verify_peer ? 2L : 0L);
    if (!request.ca_file.empty()) set(CURLOPT_CAINFO, request.ca_file.c_str());
    if (!request.certificate_file.empty()) set(CURLOPT_SSLCERT, request.certificate_file.c_str());
    if (!request.key_file.empty()) set(CURLOPT_SSLKEY, request.key_file.c_str());
    if (request.debug)
        output.append(
            fmt::format("> {} {}\n", request.method, request.url.substr(0, request.url.find('?'))));
}

Executor::Result HttpExecutor::Transfer::finish(CURLcode code, WallTime now) {
    Result r;
    r.result.started_at = started_at;
    r.result.finished_at = now;
    r.result.outcome = core::ExecutionState::failed;
    r.result.exit_code = 1;
    long status = 0;
    if (easy) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    const auto& expected = request.expect_codes;
    if (code == CURLE_OPERATION_TIMEDOUT) {
        r.result.outcome = core::ExecutionState::timed_out;
        r.result.message =
            fmt::format("timed out after {}: {}", format_duration(request.timeout), error);
    } else if (!refused_address.empty() && code != CURLE_OK) {
        r.result.message = refused_address;
    } else if (too_long) {
        r.result.message = fmt::format("the answer is longer than {} bytes", config->answer_bytes);
    } else if (code != CURLE_OK) {
        r.result.message = error[0] != '\0' ? error : curl_easy_strerror(code);
    } else if (expected.empty() ? status >= 400
                                : std::ranges::find(expected, status) == expected.end()) {
        r.result.message = fmt::format(
            "HTTP status {}, expected {}", status,
            expected.empty() ? "one below 400" : fmt::format("{}", fmt::join(expected, ", ")));
    } else if (!request.expect_body.empty() &&
               !RE2::PartialMatch(answer_head, RE2(request.expect_body, quiet()))) {
        r.result.message =
            fmt::format("HTTP status {}, but the answer does not match expectBody", status);
    } else {
        r.result.outcome = core::ExecutionState::succeeded;
        r.result.exit_code = 0;
    }
    r.output = output.take();
    r.result.output_bytes = r.output.total;
    r.result.output_tail = last_of(r.output, limits::kOutputTailInRecord);
    return r;
}

// The thread: transfers are added and given up by others, driven and ended here.
class HttpExecutor::Engine {
  public:
    Engine(runtime::Loop& loop) : loop_(loop), multi_(curl_multi_init()) {
        curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, kMostConnections);
        thread_ = std::thread([this] { serve(); });
    }
    ~Engine() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        curl_multi_wakeup(multi_);
        thread_.join();
        for (auto& [id, transfer] : running_)
            curl_multi_remove_handle(multi_, transfer->easy);
        running_.clear();
        curl_multi_cleanup(multi_);
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void add(std::unique_ptr<Transfer> transfer) {
        {
            const std::lock_guard lock(mutex_);
            added_.push_back(std::move(transfer));
        }
        curl_multi_wakeup(multi_);
    }
    void give_up(const core::AttemptId& id, KilledBy why) {
        {
            const std::lock_guard lock(mutex_);
            given_up_.emplace_back(id, why);
        }
        curl_multi_wakeup(multi_);
    }

  private:
    void serve() {
        for (;;) {
            if (!take_orders()) return;
            int running = 0;
            curl_multi_perform(multi_, &running);
            int left = 0;
            while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
                if (message->msg != CURLMSG_DONE) continue;
                void* self = nullptr;
                curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
                end(*static_cast<Transfer*>(self), message->data.result, KilledBy::nobody);
            }
            curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
        }
    }
    bool take_orders() {
        std::vector<std::unique_ptr<Transfer>> added;
        std::vector<std::pair<core::AttemptId, KilledBy>> given_up;
        {
            const std::lock_guard lock(mutex_);
            if (stop_) return false;
            added.swap(added_);
            given_up.swap(given_up_);
        }
        for (std::unique_ptr<Transfer>& transfer : added) {
            transfer->prepare();
            curl_multi_add_handle(multi_, transfer->easy);
            const core::AttemptId id = transfer->id;
            running_.emplace(id, std::move(transfer));
        }
        for (const auto& [id, why] : given_up)
            if (const auto at = running_.find(id); at != running_.end())
                end(*at->second, CURLE_ABORTED_BY_CALLBACK, why);
        return true;
    }
    void end(Transfer& transfer, CURLcode code, KilledBy why) {
        curl_multi_remove_handle(multi_, transfer.easy);
        Result result = transfer.finish(code, loop_.wall_now());
        if (why == KilledBy::cancel) {
            result.result.outcome = core::ExecutionState::cancelled;
            result.result.reason = core::Reason::user;
            result.result.message = "cancelled; the request was given up";
        } else if (why != KilledBy::nobody) {
            result.result.outcome = core::ExecutionState::lost;
            result.result.reason = core::Reason::worker_lost;
            result.result.message = "the request was given up by its worker";
        }
        loop_.post([done = std::move(transfer.done), result = std::move(result)]() mutable {
            done(std::move(result));
        });
        running_.erase(core::AttemptId(transfer.id));
    }

    runtime::Loop& loop_;
    CURLM* multi_;
    std::map<core::AttemptId, std::unique_ptr<Transfer>> running_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Transfer>> added_;
    std::vector<std::pair<core::AttemptId, KilledBy>> given_up_;
    bool stop_ = false;
    std::thread thread_;
};

HttpExecutor::HttpExecutor(HttpExecutorConfig config, runtime::Loop& loop)
    : config_(std::move(config)), loop_(loop) {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)once;
    engine_ = std::make_unique<Engine>(loop_);
}

HttpExecutor::~HttpExecutor() = default;

std::optional<std::string> HttpExecutor::check(const core::RunSpec& spec) const {
    const auto request = http_request(spec, {});
    if (!request) return fmt::format("{}: {}", request.error().field, request.error().message);
    if (request->expect_body.empty()) return std::nullopt;
    const RE2 pattern(request->expect_body, quiet());
    if (pattern.ok()) return std::nullopt;
    return fmt::format("executor_config.expectBody: {}", pattern.error());
}

void HttpExecutor::run(const core::RunSpec& spec, FenceToken token, Done done) {
    auto request = http_request(spec, token);
    auto transfer = std::make_unique<Transfer>();
    transfer->id = spec.id;
    transfer->started_at = loop_.wall_now();
    transfer->config = &config_;
    if (!request) {
        // check() came first; here for a caller that left it out.
        std::strncpy(transfer->error, request.error().message.c_str(), sizeof transfer->error - 1);
        Result result = transfer->finish(CURLE_URL_MALFORMAT, transfer->started_at);
        loop_.post([done = std::move(done), result = std::move(result)]() mutable {
            done(std::move(result));
        });
        return;
    }
    transfer->request = std::move(*request);
    transfer->done = std::move(done);
    engine_->add(std::move(transfer));
}

void HttpExecutor::cancel(const core::AttemptId& id, KilledBy why) {
    engine_->give_up(id, why);
}

}  // namespace khronos::worker
