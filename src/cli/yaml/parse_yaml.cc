#include "cli/yaml/parse_yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "base/limits.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

// A few lines with aliases of aliases can mean billions of values.
constexpr std::size_t kMostValues = 1'000'000;
constexpr std::size_t kDeepest = limits::kJsonDepth;

// Ends the conversion; caught below.
struct Fault {
    YAML::Mark mark;
    std::string message;
};

std::string at(const YAML::Mark& mark, std::string_view message) {
    if (mark.is_null()) return std::string(message);
    return fmt::format("line {}, column {}: {}", mark.line + 1, mark.column + 1, message);
}

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
    Number number{};
    std::from_chars_result result{};
    if constexpr (std::is_floating_point_v<Number>)
        result = std::from_chars(text.data(), text.data() + text.size(), number);
    else
        result = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

json::value plain_scalar(std::string_view text) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
        return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    if (text.starts_with("0x"))
        if (const auto number = number_of<std::uint64_t>(text.substr(2), 16)) return *number;
    if (text.starts_with("0o"))
        if (const auto number = number_of<std::uint64_t>(text.substr(2), 8)) return *number;
    const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    // Only what begins like a number: `inf` and `nan` are words, `1e5` is one.
    const std::string_view first = digits.starts_with('-') ? digits.substr(1) : digits;
    if (first.empty() || !((first[0] >= '0' && first[0] <= '9') || first[0] == '.'))
        return json::string(text);
    if (const auto number = number_of<std::int64_t>(digits)) return *number;
    if (const auto number = number_of<double>(digits)) return *number;
    return json::string(text);
}

// The values of a document, built as the parser meets them. YAML's own tree is not used: on some
// texts it grows without end, and here everything is counted.
class Builder final : public YAML::EventHandler {
  public:
    std::vector<json::value> take() { return std::move(documents_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        // Where the parser finds no end, it comes to the same place again.
        if (documents_begun_++ > 0 && mark.pos <= last_begin_)
            throw Fault{mark, "this is not understood"};
        last_begin_ = mark.pos;
        anchors_.clear();
        open_.clear();
        root_ = nullptr;
    }
    void OnDocumentEnd() override {
        if (!root_.is_null()) documents_.push_back(std::move(root_));
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        count(mark, 1);
        put(mark, nullptr, 1, anchor, false);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) throw Fault{mark, "an alias of what it stands in"};
        count(mark, known->second.values);
        put(mark, known->second.value, known->second.values, 0, false);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        count(mark, 1);
        if (is_key_next()) {
            if (open_.back().value.get_object().contains(text))
                throw Fault{mark, fmt::format("the key {} is given twice", text)};
            if (anchor != 0) anchors_[anchor] = {json::string(text), 1};
            open_.back().key = text;
            open_.back().merges = text == "<<" && tag != "!";
            return;
        }
        put(mark, scalar(mark, tag, text), 1, anchor, false);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        begin(mark, json::array(), anchor);
    }
    void OnSequenceEnd() override { end(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        begin(mark, json::object(), anchor);
    }
    void OnMapEnd() override { end(); }

  private:
    struct Anchored {
        json::value value;
        std::size_t values = 0;  // that it is made of
    };
    struct Open {
        YAML::Mark mark;
        json::value value;
        YAML::anchor_t anchor = 0;
        std::size_t values_before = 0;
        std::optional<std::string> key;  // of a map: waits for its value
        bool merges = false;             // the key is `<<`
        std::vector<json::object> merged;
    };

    void count(const YAML::Mark& mark, std::size_t values) {
        values_ += values;
        if (values_ > kMostValues)
            throw Fault{mark, fmt::format("the text means more than {} values", kMostValues)};
    }

    bool is_key_next() const {
        return !open_.empty() && open_.back().value.is_object() && !open_.back().key;
    }

    static json::value scalar(const YAML::Mark& mark, const std::string& tag,
                              const std::string& text) {
        constexpr std::string_view kOwn = "tag:yaml.org,2002:";
        if (tag == "!" || tag == "tag:yaml.org,2002:str") return json::string(text);
        if (tag.empty() || tag == "?" || std::string_view(tag).starts_with(kOwn))
            return plain_scalar(text);
        throw Fault{mark, fmt::format("the tag {} means nothing here", tag)};
    }

    void begin(const YAML::Mark& mark, json::value container, YAML::anchor_t anchor) {
        if (is_key_next()) throw Fault{mark, "a key has to be a text"};
        if (open_.size() >= kDeepest)
            throw Fault{mark, fmt::format("more than {} levels deep", kDeepest)};
        count(mark, 1);
        open_.push_back({mark, std::move(container), anchor, values_ - 1, std::nullopt, false, {}});
    }

    void end() {
        Open done = std::move(open_.back());
        open_.pop_back();
        // What stands in the map itself goes before what is merged, the first before the next.
        for (const json::object& other : done.merged)
            for (const auto& [key, member] : other)
                done.value.get_object().emplace(key, member);
        put(done.mark, std::move(done.value), values_ - done.values_before, done.anchor, true);
    }

    void put(const YAML::Mark& mark, json::value value, std::size_t values, YAML::anchor_t anchor,
             bool container) {
        if (anchor != 0) anchors_[anchor] = {value, values};
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        Open& in = open_.back();
        if (in.value.is_array()) {
            in.value.get_array().push_back(std::move(value));
            return;
        }
        if (!in.key) {
            if (container || !value.is_string()) throw Fault{mark, "a key has to be a text"};
            in.key = std::string(value.get_string());
            in.merges = false;
            return;
        }
        const std::string key = *std::exchange(in.key, std::nullopt);
        if (std::exchange(in.merges, false)) return merge(mark, std::move(value), in);
        if (!in.value.get_object().emplace(key, std::move(value)).second)
            throw Fault{mark, fmt::format("the key {} is given twice", key)};
    }

    static void merge(const YAML::Mark& mark, json::value value, Open& in) {
        json::array all = value.is_array() ? std::move(value.get_array()) : json::array{value};
        for (json::value& one : all) {
            if (!one.is_object()) throw Fault{mark, "<< merges maps only"};
            in.merged.push_back(std::move(one.get_object()));
        }
    }

    std::vector<json::value> documents_;
    json::value root_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::size_t values_ = 0;
    std::size_t documents_begun_ = 0;
    int last_begin_ = 0;
};

}  // namespace

std::expected<std::vector<json::value>, std::string> parse_yaml(std::string_view text) {
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        Builder builder;
        while (parser.HandleNextDocument(builder)) {
        }
        return builder.take();
    } catch (const Fault& fault) {
        return std::unexpected(at(fault.mark, fault.message));
    } catch (const YAML::Exception& error) {
        std::string message = at(error.mark, error.msg);
        // `* * * * * *` reads as an alias, `@every` as nothing at all.
        std::string_view line = text;
        for (int i = 0; i < error.mark.line && line.find('\n') != line.npos; ++i)
            line.remove_prefix(line.find('\n') + 1);
        line = line.substr(0, line.find('\n'));
        if (line.find("schedule") != line.npos)
            message += "; a schedule that begins with * or @ needs quotes";
        return std::unexpected(std::move(message));
    } catch (const std::exception& error) {
        return std::unexpected(std::string(error.what()));
    }
}

}  // namespace khronos::cli
