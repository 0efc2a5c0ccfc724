#include "cli/yaml/parse_yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <charconv>
#include <optional>

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

class Converter {
  public:
    json::value convert(const YAML::Node& node, std::size_t depth = 0) {
        if (++values_ > kMostValues)
            throw Fault{node.Mark(),
                        fmt::format("the text means more than {} values", kMostValues)};
        if (depth > kDeepest)
            throw Fault{node.Mark(), fmt::format("more than {} levels deep", kDeepest)};
        switch (node.Type()) {
            case YAML::NodeType::Undefined:
            case YAML::NodeType::Null:
                return nullptr;
            case YAML::NodeType::Scalar:
                return scalar(node);
            case YAML::NodeType::Sequence: {
                json::array list;
                for (const YAML::Node& element : node)
                    list.push_back(convert(element, depth + 1));
                return list;
            }
            case YAML::NodeType::Map:
                return map(node, depth);
        }
        return nullptr;
    }

  private:
    static json::value scalar(const YAML::Node& node) {
        constexpr std::string_view kOwn = "tag:yaml.org,2002:";
        const std::string& tag = node.Tag();
        if (tag == "!" || tag == "tag:yaml.org,2002:str") return json::string(node.Scalar());
        if (tag.empty() || tag == "?" || std::string_view(tag).starts_with(kOwn))
            return plain_scalar(node.Scalar());
        throw Fault{node.Mark(), fmt::format("the tag {} means nothing here", tag)};
    }

    json::value map(const YAML::Node& node, std::size_t depth) {
        json::object object;
        std::vector<YAML::Node> merged;
        for (const auto& pair : node) {
            if (!pair.first.IsScalar()) throw Fault{pair.first.Mark(), "a key has to be a text"};
            const std::string& key = pair.first.Scalar();
            if (key == "<<" && pair.first.Tag() != "!") {
                if (!pair.second.IsSequence())
                    merged.push_back(pair.second);
                else
                    for (const YAML::Node& other : pair.second)
                        merged.push_back(other);
                continue;
            }
            if (!object.emplace(key, convert(pair.second, depth + 1)).second)
                throw Fault{pair.first.Mark(), fmt::format("the key {} is given twice", key)};
        }
        // What stands in the map itself goes before what is merged, the first before the next.
        for (const YAML::Node& other : merged) {
            if (!other.IsMap()) throw Fault{other.Mark(), "<< merges maps only"};
            const json::value value = convert(other, depth + 1);
            for (const auto& [key, member] : value.as_object())
                object.emplace(key, member);
        }
        return object;
    }

    std::size_t values_ = 0;
};

}  // namespace

std::expected<std::vector<json::value>, std::string> parse_yaml(std::string_view text) {
    try {
        std::vector<json::value> documents;
        Converter converter;
        for (const YAML::Node& node : YAML::LoadAll(std::string(text)))
            if (!node.IsNull()) documents.push_back(converter.convert(node));
        return documents;
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
