// One of the six fields, read term by term.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "core/cron/fields.h"
#include "core/cron/schedule.h"

namespace khronos::cron {

enum class FieldIndex : std::uint8_t { second, minute, hour, day, month, weekday };
inline constexpr std::size_t kFieldCount = 6;

// A piece of the schedule's text and where it lies in it.
struct Piece {
    std::string_view text;
    std::size_t offset = 0;
    Piece sub(std::size_t at, std::size_t count = std::string_view::npos) const {
        return {text.substr(at, count), offset + at};
    }
};

inline std::unexpected<CronError> fault(Piece where, std::string message, std::string hint = {}) {
    return std::unexpected(
        CronError{where.offset, where.text.size(), std::move(message), std::move(hint)});
}

// The text with everything but printable ASCII replaced, for use in messages; past `most`
// bytes it ends in dots.
std::string printable(std::string_view text, std::size_t most = 64);

// Puts the field's terms into `fields`. `seed` decides `H` and `~`.
std::expected<void, CronError> parse_field(FieldIndex index, Piece piece, std::uint64_t seed,
                                           Fields& fields);

}  // namespace khronos::cron
