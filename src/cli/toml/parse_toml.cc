#include "cli/toml/parse_toml.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cmath>
#include <sstream>

namespace khronos::cli {
namespace json = boost::json;
namespace {

std::string at(const toml::source_region& source, std::string_view message) {
    return fmt::format("line {}, column {}: {}", source.begin.line, source.begin.column, message);
}

template <class Time>
json::value text_of(const Time& time) {
    std::ostringstream text;
    text << time;
    return json::string(text.str());
}

// Ends the conversion; caught below.
struct Fault {
    std::string message;
};

json::value convert(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::none:
            return nullptr;
        case toml::node_type::table: {
            json::object object;
            for (const auto& [key, member] : *node.as_table())
                object.emplace(key.str(), convert(member));
            return object;
        }
        case toml::node_type::array: {
            json::array list;
            for (const toml::node& element : *node.as_array())
                list.push_back(convert(element));
            return list;
        }
        case toml::node_type::string:
            return json::string(node.as_string()->get());
        case toml::node_type::integer:
            return node.as_integer()->get();
        case toml::node_type::floating_point: {
            const double number = node.as_floating_point()->get();
            if (!std::isfinite(number)) throw Fault{at(node.source(), "not a finite number")};
            return number;
        }
        case toml::node_type::boolean:
            return node.as_boolean()->get();
        case toml::node_type::date:
            return text_of(node.as_date()->get());
        case toml::node_type::time:
            return text_of(node.as_time()->get());
        case toml::node_type::date_time:
            return text_of(node.as_date_time()->get());
    }
    return nullptr;
}

}  // namespace

std::expected<json::value, std::string> toml_document(std::string_view text) {
    try {
        return convert(toml::parse(text));
    } catch (const toml::parse_error& error) {
        return std::unexpected(at(error.source(), error.description()));
    } catch (const Fault& fault) {
        return std::unexpected(fault.message);
    }
}

}  // namespace khronos::cli
