// A TOML file as a flat list of keys. The one place that knows the TOML library.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace khronos::app {

enum class TomlType : std::uint8_t { text, integer, boolean, array, other };

struct TomlEntry {
    std::string key;  // of a table's: `table.key`
    TomlType type = TomlType::text;
    std::vector<std::string> values;  // one; of an array: one for each element
    int line = 0;                     // from 1
    bool operator==(const TomlEntry&) const = default;
};
struct TomlError {
    int line = 0;
    std::string message;
    bool operator==(const TomlError&) const = default;
};

// In the order of lines.
std::expected<std::vector<TomlEntry>, TomlError> parse_toml(std::string_view text);

}  // namespace khronos::app
