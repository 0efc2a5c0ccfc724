#include "core/attempt/attempt_key.h"

#include <fmt/format.h>

#include <charconv>

namespace khronos::core::attempt {

std::string attempt_key(const AttemptId& id) {
    return fmt::format("{}.{}", to_text(id.execution), id.attempt.value);
}

std::expected<AttemptId, std::string> attempt_from_key(std::string_view key) {
    const std::size_t dot = key.rfind('.');
    if (dot == key.npos)
        return std::unexpected(fmt::format("'{}' has no attempt", key.substr(0, 64)));
    const auto execution = execution_id_from_text(key.substr(0, dot));
    if (!execution) return std::unexpected(execution.error());
    AttemptId id{*execution, AttemptNo{}};
    const std::string_view number = key.substr(dot + 1);
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), id.attempt.value);
    if (error != std::errc{} || end != number.data() + number.size() || !id.attempt ||
        attempt_key(id) != key)
        return std::unexpected(fmt::format("'{}' is not an attempt", key.substr(0, 64)));
    return id;
}

}  // namespace khronos::core::attempt
