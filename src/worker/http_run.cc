#include "worker/http_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/duration.h"
#include "worker/shell_run.h"

namespace khronos::worker {
namespace {

constexpr std::size_t kMaxUrl = 8 * 1024;
constexpr std::size_t kMaxHeaders = 100;
constexpr std::array<std::string_view, 3> kOwnHeaders{"Idempotency-Key", "Khronos-Attempt",
                                                      "Khronos-Token"};
constexpr Duration kDefaultTimeout = std::chrono::seconds(30);

const std::string* find(const core::StringMap& map, std::string_view key) {
    const auto at = map.find(key);
    return at == map.end() || at->second.empty() ? nullptr : &at->second;
}

std::unexpected<Error> wrong(std::string_view key, std::string message) {
    return std::unexpected(invalid(fmt::format("executor_config.{}", key), std::move(message)));
}

// RFC 9110's token: method and header names.
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::uint32_t> whole_number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return value;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

std::expected<void, Error> take_headers(const core::RunSpec& spec, FenceToken token,
                                        HttpRequest& r) {
    r.headers = {{std::string(kOwnHeaders[0]), to_text(spec.id.execution)},
                 {std::string(kOwnHeaders[1]), std::to_string(spec.id.attempt.value)},
                 {std::string(kOwnHeaders[2]), std::to_string(token.value)}};
    const std::string* text = find(spec.executor_config, "headers");
    if (!text) return {};
    const auto lines = parse_json_strings(*text);
    if (!lines) return wrong("headers", lines.error());
    if (lines->size() > kMaxHeaders)
        return wrong("headers",
                     fmt::format("{} headers are more than {}", lines->size(), kMaxHeaders));
    for (const std::string& line : *lines) {
        const std::size_t colon = line.find(':');
        const std::string_view name = std::string_view(line).substr(0, colon);
        if (colon == line.npos || !is_token(name))
            return wrong("headers", fmt::format("'{}' is not 'Name: value'", line.substr(0, 64)));
        const std::string_view value = trimmed(std::string_view(line).substr(colon + 1));
        if (std::ranges::any_of(value,
                                [](char c) { return (c >= 0 && c < 32 && c != '\t') || c == 127; }))
            return wrong("headers", fmt::format("the value of {} has a control character", name));
        for (const std::string_view own : kOwnHeaders)
            if (same_ignoring_case(own, name))
                return wrong("headers", fmt::format("{} is set by Khronos itself", own));
        r.headers.emplace_back(name, value);
    }
    return {};
}

std::expected<bool, Error> flag(const core::StringMap& config, std::string_view key) {
    const std::string* text = find(config, key);
    if (!text) return false;
    const auto value = parse_bool(*text);
    if (!value) return wrong(key, value.error());
    return *value;
}

}  // namespace

std::expected<HttpRequest, Error> http_request(const core::RunSpec& spec, FenceToken token) {
    const core::StringMap& config = spec.executor_config;
    HttpRequest r;
    const std::string* method = find(config, "method");
    r.method = method ? *method : "GET";
    std::ranges::transform(r.method, r.method.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    if (!is_token(r.method) || r.method.size() > 32 || r.method == "CONNECT" || r.method == "TRACE")
        return wrong("method", fmt::format("'{}' is not a method such as GET or POST",
                                           r.method.substr(0, 32)));

    const std::string* url = find(config, "url");
    if (!url) return wrong("url", "the http executor needs a url");
    const std::size_t colon = url->find("://");
    const std::string_view scheme =
        std::string_view(*url).substr(0, colon == url->npos ? 0 : colon);
    if (!same_ignoring_case(scheme, "http") && !same_ignoring_case(scheme, "https"))
        return wrong("url", "a url begins with http:// or https://");
    if (url->size() > kMaxUrl)
        return wrong("url", fmt::format("{} bytes are more than {}", url->size(), kMaxUrl));
    if (std::ranges::any_of(*url, [](char c) { return (c >= 0 && c <= 32) || c == 127; }))
        return wrong("url", "a url has no spaces and no control characters (write %20)");
    r.url = *url;

    if (auto ok = take_headers(spec, token, r); !ok) return std::unexpected(ok.error());
    if (const std::string* body = find(config, "body")) r.body = *body;

    r.timeout = kDefaultTimeout;
    if (const std::string* text = find(config, "timeout")) {
        if (const auto seconds = whole_number(*text)) {
            r.timeout = std::chrono::seconds(*seconds);
        } else if (const auto duration = parse_duration(*text)) {
            r.timeout = *duration;
        } else {
            return wrong("timeout",
                         fmt::format("'{}' is neither whole seconds nor a duration such as 1m30s",
                                     text->substr(0, 40)));
        }
        if (r.timeout <= Duration(0)) return wrong("timeout", "a timeout is longer than nothing");
    }
    if (spec.timeout > Duration(0)) r.timeout = spec.timeout;

    if (const std::string* text = find(config, "expectCode")) {
        std::string_view rest = *text;
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            const auto code = whole_number(trimmed(rest.substr(0, comma)));
            if (!code || *code < 100 || *code > 999)
                return wrong("expectCode",
                             fmt::format("'{}' is not a list of status codes such as 200,206",
                                         text->substr(0, 64)));
            r.expect_codes.push_back(static_cast<int>(*code));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    if (const std::string* text = find(config, "expectBody")) r.expect_body = *text;
    const auto debug = flag(config, "debug");
    if (!debug) return std::unexpected(debug.error());
    r.debug = *debug;
    const auto trusting = flag(config, "tlsNoVerifyPeer");
    if (!trusting) return std::unexpected(trusting.error());
    r.verify_peer = !*trusting;
    for (const auto& [key, into] : {std::pair{"tlsCertificateFile", &r.certificate_file},
                                    {"tlsCertificateKeyFile", &r.key_file},
                                    {"tlsRootCAsFile", &r.ca_file}}) {
        const std::string* path = find(config, key);
        if (!path) continue;
        if (path->front() != '/')
            return wrong(key, fmt::format("'{}' is not an absolute path", *path));
        *into = *path;
    }
    if (r.certificate_file.empty() != r.key_file.empty())
        return wrong("tlsCertificateFile", "a client's certificate and its key come together");
    return r;
}

namespace {

class JsonStrings {
  public:
    explicit JsonStrings(std::string_view text) : text_(text) {}

    std::expected<std::vector<std::string>, std::string> parse() {
        std::vector<std::string> list;
        skip_blanks();
        if (!take('[')) return wrong_here("a JSON array of strings begins with [");
        skip_blanks();
        if (!take(']')) {
            for (;;) {
                skip_blanks();
                std::string item;
                if (const auto problem = string(item)) return wrong_here(*problem);
                list.push_back(std::move(item));
                skip_blanks();
                if (take(']')) break;
                if (!take(',')) return wrong_here("a comma or ] is missing");
            }
        }
        skip_blanks();
        if (at_ != text_.size()) return wrong_here("something follows the array");
        return list;
    }

  private:
    std::unexpected<std::string> wrong_here(std::string_view what) const {
        return std::unexpected(fmt::format("character {}: {}", at_ + 1, what));
    }
    bool take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void skip_blanks() {
        while (at_ < text_.size() &&
               std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
            ++at_;
    }
    std::optional<std::uint32_t> four_hex_digits() {
        if (text_.size() - at_ < 4) return std::nullopt;
        std::uint32_t value = 0;
        const char* first = text_.data() + at_;
        const auto [end, error] = std::from_chars(first, first + 4, value, 16);
        if (error != std::errc{} || end != first + 4) return std::nullopt;
        at_ += 4;
        return value;
    }
    static void append_utf8(std::uint32_t c, std::string& out) {
        const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
        if (c < 0x80) {
            put(c);
        } else if (c < 0x800) {
            put(0xC0 | c >> 6);
            put(0x80 | (c & 0x3F));
        } else if (c < 0x10000) {
            put(0xE0 | c >> 12);
            put(0x80 | (c >> 6 & 0x3F));
            put(0x80 | (c & 0x3F));
        } else {
            put(0xF0 | c >> 18);
            put(0x80 | (c >> 12 & 0x3F));
            put(0x80 | (c >> 6 & 0x3F));
            put(0x80 | (c & 0x3F));
        }
    }
    std::optional<std::string_view> escape(std::string& out) {
        if (at_ >= text_.size()) return "the escape is cut off";
        const char c = text_[at_++];
        static constexpr std::string_view kNames = "\"\\/bfnrt";
        static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
        if (const std::size_t i = kNames.find(c); i != kNames.npos) {
            out += kValues[i];
            return std::nullopt;
        }
        if (c != 'u') return "no such escape";
        auto code = four_hex_digits();
        if (!code) return "\\u needs four hex digits";
        if (*code >= 0xD800 && *code < 0xDC00) {
            if (!take('\\') || !take('u')) return "half of a surrogate pair";
            const auto low = four_hex_digits();
            if (!low || *low < 0xDC00 || *low > 0xDFFF) return "half of a surrogate pair";
            code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
        } else if (*code >= 0xDC00 && *code <= 0xDFFF) {
            return "half of a surrogate pair";
        }
        append_utf8(*code, out);
        return std::nullopt;
    }
    std::optional<std::string_view> string(std::string& out) {
        if (!take('"')) return "a string in double quotes is missing";
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return std::nullopt;
            if (static_cast<unsigned char>(c) < 0x20)
                return "a control character in a string is written as an escape";
            if (c != '\\') {
                out += c;
            } else if (const auto problem = escape(out)) {
                return problem;
            }
        }
        return "a string is never closed";
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

std::expected<std::vector<std::string>, std::string> parse_json_strings(std::string_view text) {
    return JsonStrings(text).parse();
}

}  // namespace khronos::worker
