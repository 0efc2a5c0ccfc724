#include "api/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value_to.hpp>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "base/limits.h"

namespace khronos::api {
namespace json = boost::json;
namespace {

// Where the text stands at `offset`: `line 3, column 7`.
std::string place_of(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
    return fmt::format("line {}, column {}", line, before.size() - start + 1);
}

// Finds the first key that one object has twice. The text is known to be valid JSON.
class DoubledKeys {
  public:
    explicit DoubledKeys(std::string_view text) : text_(text) {}

    // Its path, or nothing.
    std::optional<std::string> find() {
        skip_value("");
        return doubled_;
    }

  private:
    void skip_space() {
        while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_]))
            ++at_;
    }
    // The raw string, quotes included.
    std::string_view take_string() {
        const std::size_t start = at_++;
        while (text_[at_] != '"')
            at_ += text_[at_] == '\\' ? 2 : 1;
        ++at_;
        return text_.substr(start, at_ - start);
    }
    void skip_value(const std::string& path) {
        skip_space();
        switch (text_[at_]) {
            case '{':
                skip_object(path);
                break;
            case '[':
                skip_array(path);
                break;
            case '"':
                take_string();
                break;
            default:
                while (at_ < text_.size() && !std::string_view(",]} \t\r\n").contains(text_[at_]))
                    ++at_;
        }
        skip_space();
    }
    void skip_object(const std::string& path) {
        std::set<std::string, std::less<>> keys;
        ++at_;
        skip_space();
        while (text_[at_] != '}') {
            const std::string_view raw = take_string();
            std::string key(raw.substr(1, raw.size() - 2));
            // Two spellings of one key are one key.
            if (key.contains('\\')) key = json::value_to<std::string>(json::parse(raw));
            const std::string below = json_path(path, key);
            if (!keys.insert(std::move(key)).second && !doubled_) doubled_ = below;
            skip_space();
            ++at_;  // the colon
            skip_value(below);
            if (text_[at_] == ',') ++at_;
            skip_space();
        }
        ++at_;
    }
    void skip_array(const std::string& path) {
        ++at_;
        skip_space();
        for (int i = 0; text_[at_] != ']'; ++i) {
            skip_value(fmt::format("{}[{}]", path, i));
            if (text_[at_] == ',') ++at_;
        }
        ++at_;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<std::string> doubled_;
};

void write_string(std::string_view text, std::string& out) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(c));
                else
                    out += c;
        }
    }
    out += '"';
}

// Our own, because Boost's writes 1.5 as 1.5E0 and knows no indentation.
class Writer {
  public:
    Writer(bool pretty, std::string& out) : pretty_(pretty), out_(out) {}

    void write(const json::value& value, int depth = 0) {
        switch (value.kind()) {
            case json::kind::null:
                out_ += "null";
                break;
            case json::kind::bool_:
                out_ += value.get_bool() ? "true" : "false";
                break;
            case json::kind::int64:
                fmt::format_to(std::back_inserter(out_), "{}", value.get_int64());
                break;
            case json::kind::uint64:
                fmt::format_to(std::back_inserter(out_), "{}", value.get_uint64());
                break;
            case json::kind::double_:
                fmt::format_to(std::back_inserter(out_), "{}", value.get_double());
                break;
            case json::kind::string:
                write_string(value.get_string(), out_);
                break;
            case json::kind::array: {
                open('[');
                bool first = true;
                for (const json::value& element : value.get_array()) {
                    separate(std::exchange(first, false), depth + 1);
                    write(element, depth + 1);
                }
                close(']', first, depth);
                break;
            }
            case json::kind::object: {
                open('{');
                bool first = true;
                for (const auto& [key, member] : value.get_object()) {
                    separate(std::exchange(first, false), depth + 1);
                    write_string(key, out_);
                    out_ += pretty_ ? ": " : ":";
                    write(member, depth + 1);
                }
                close('}', first, depth);
                break;
            }
        }
    }

  private:
    void open(char bracket) { out_ += bracket; }
    void separate(bool first, int depth) {
        if (!first) out_ += ',';
        new_line(depth);
    }
    void close(char bracket, bool empty, int depth) {
        if (!empty) new_line(depth);
        out_ += bracket;
    }
    void new_line(int depth) {
        if (!pretty_) return;
        out_ += '\n';
        out_.append(static_cast<std::size_t>(depth) * 4, ' ');
    }

    bool pretty_;
    std::string& out_;
};

// The length of the UTF-8 sequence at the start; 0 where there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xc2 && first <= 0xdf   ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
    if (size == 0 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i)
        if ((byte(i) & 0xc0) != 0x80) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return size;
}

// Levenshtein's distance with transpositions, on short texts.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i)
        d[i][0] = i;
    for (std::size_t j = 0; j <= b.size(); ++j)
        d[0][j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i)
        for (std::size_t j = 1; j <= b.size(); ++j) {
            d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1,
                                d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a.size()][b.size()];
}

}  // namespace

std::expected<json::value, Error> parse_json(std::string_view text) {
    json::parse_options options;
    options.max_depth = limits::kJsonDepth;
    json::stream_parser parser({}, options);
    boost::system::error_code error;
    const std::size_t used = parser.write_some(text.data(), text.size(), error);
    if (!error && used < text.size()) error = json::error::extra_data;
    if (!error) parser.finish(error);
    if (error == json::error::too_deep)
        return std::unexpected(invalid(
            "", fmt::format("the JSON is nested more than {} levels deep", limits::kJsonDepth)));
    if (error == json::error::incomplete && text.find_first_not_of(" \t\r\n") == text.npos)
        return std::unexpected(invalid("", "the body is empty, a JSON document is expected"));
    if (error)
        return std::unexpected(invalid(
            "", fmt::format("not valid JSON at {}: {}", place_of(text, used), error.message())));
    if (auto doubled = DoubledKeys(text).find())
        return std::unexpected(invalid(*doubled, "the key is given twice"));
    return parser.release();
}

std::string write_json(const json::value& value, bool pretty, int depth) {
    std::string out;
    Writer(pretty, out).write(value, depth);
    return out;
}

std::string valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t size = sequence_length(text);
        if (size == 0)
            out += "\xef\xbf\xbd";
        else
            out.append(text.substr(0, size));
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return out;
}

std::string json_path(std::string_view path, std::string_view key) {
    const bool plain = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    if (!plain) {
        std::string quoted;
        write_string(key.substr(0, 64), quoted);
        return fmt::format("{}[{}]", path, quoted);
    }
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string_view nearest(std::string_view text, const std::vector<std::string_view>& candidates) {
    if (text.size() > 64) return {};
    std::string_view best;
    std::size_t best_distance = 1 + text.size() / 3;  // farther is not what was meant
    for (const std::string_view candidate : candidates) {
        const std::size_t d = distance(text, candidate);
        if (d > 0 && d <= best_distance && (best.empty() || d < best_distance)) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

}  // namespace khronos::api
