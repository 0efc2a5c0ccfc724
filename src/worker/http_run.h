// What the http executor makes of a job: Dkron's keys in, a request out. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/model/messages.h"

namespace khronos::worker {

struct HttpRequest {
    std::string method;
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;  // ours are among them
    std::string body;
    Duration timeout{0};            // for everything, redirects included
    std::vector<int> expect_codes;  // empty: any below 400
    std::string expect_body;        // RE2 (Go's syntax); empty: any
    bool debug = false;
    bool verify_peer = true;
    std::string certificate_file;
    std::string key_file;
    std::string ca_file;
    bool operator==(const HttpRequest&) const = default;
};

// Keys of executor_config: `url` (needed; http or https), `method` (GET), `headers` (a JSON array
// of
// `"Name: value"`; a value keeps its colons), `body`, `timeout` (whole seconds or `1m30s`, 30 s by
// default; the job's own wins), `expectCode` (`200,206`; without it every status below 400 is a
// success — Dkron takes any status then, even 500), `expectBody` (a regular expression, looked for
// in the first limits::kOutputHead bytes of the answer), `debug`, `tlsNoVerifyPeer`,
// `tlsCertificateFile`, `tlsCertificateKeyFile`, `tlsRootCAsFile`. The error names the key.
std::expected<HttpRequest, Error> http_request(const core::RunSpec& spec, FenceToken token);

// A JSON array of strings, and nothing else.
std::expected<std::vector<std::string>, std::string> parse_json_strings(std::string_view text);

}  // namespace khronos::worker
