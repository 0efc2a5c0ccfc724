#include "cli/curl/curl_client.h"

#include <curl/curl.h>

#include <new>

namespace khronos::cli {
namespace {

// Answers beyond this are not an agent's.
constexpr std::size_t kAnswerBytes = std::size_t{1} << 30;

struct Receiver {
    HttpAnswer answer;
    bool too_large = false;
};

// libcurl calls these from C: no exception may leave them.
std::size_t on_body(char* data, std::size_t size, std::size_t count, void* to) noexcept {
    auto& receiver = *static_cast<Receiver*>(to);
    if (receiver.answer.body.size() + size * count > kAnswerBytes) {
        receiver.too_large = true;
        return 0;
    }
    receiver.answer.body.append(data, size * count);
    return size * count;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* to) noexcept {
    auto& receiver = *static_cast<Receiver*>(to);
    std::string_view line(data, size * count);
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    // A status line begins an answer anew, behind an interim or a proxy's one.
    if (line.starts_with("HTTP/")) receiver.answer.headers.clear();
    const std::size_t colon = line.find(':');
    if (colon != line.npos) {
        std::string_view value = line.substr(colon + 1);
        while (value.starts_with(' ') || value.starts_with('\t'))
            value.remove_prefix(1);
        receiver.answer.headers.emplace_back(line.substr(0, colon), value);
    }
    return size * count;
}

struct HeaderList {
    curl_slist* list = nullptr;
    ~HeaderList() { curl_slist_free_all(list); }
    void add(const std::string& line) {
        curl_slist* longer = curl_slist_append(list, line.c_str());
        if (!longer) throw std::bad_alloc();
        list = longer;
    }
};

}  // namespace

struct CurlClient::Handle {
    CURL* curl = nullptr;
    Handle() {
        static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
        if (ready == CURLE_OK) curl = curl_easy_init();
    }
    ~Handle() {
        if (curl) curl_easy_cleanup(curl);
    }
};

CurlClient::CurlClient(Config config)
    : config_(std::move(config)), handle_(std::make_unique<Handle>()) {
    while (config_.server.ends_with('/'))
        config_.server.pop_back();
}

CurlClient::~CurlClient() = default;

std::expected<HttpAnswer, std::string> CurlClient::send(const HttpAsk& ask) {
    CURL* curl = handle_->curl;
    if (!curl) return std::unexpected("libcurl could not be started");
    curl_easy_reset(curl);
    Receiver receiver;
    HeaderList headers;
    for (const auto& [name, value] : ask.headers)
        headers.add(name + ": " + value);
    if (!config_.token.empty()) headers.add("Authorization: Bearer " + config_.token);
    headers.add("Expect:");  // no round trip before the body
    const std::string url = config_.server + ask.target;
    char error[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    // An agent never redirects; a token must not follow somebody else's.
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, config_.user_agent.c_str());
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(config_.timeout.count() / 1000));
    if (!config_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, config_.ca_file.c_str());
    if (!config_.cert_file.empty()) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, config_.cert_file.c_str());
        curl_easy_setopt(curl, CURLOPT_SSLKEY,
                         (config_.key_file.empty() ? config_.cert_file : config_.key_file).c_str());
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &receiver);
    if (ask.method != "GET") {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask.method.c_str());
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(ask.body.size()));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, ask.body.data());
    }
    const CURLcode code = curl_easy_perform(curl);
    // Nothing on this stack is to be touched by a later call.
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
    if (receiver.too_large) return std::unexpected("the answer is too large");
    if (code != CURLE_OK)
        return std::unexpected(std::string(*error ? error : curl_easy_strerror(code)));
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    receiver.answer.status = static_cast<int>(status);
    return std::move(receiver.answer);
}

}  // namespace khronos::cli
