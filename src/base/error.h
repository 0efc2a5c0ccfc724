// An error for a person: what was wrong, where, what would be right.
#pragma once

#include <cstdint>
#include <string>

namespace khronos {

enum class ErrorKind : std::uint8_t {
    invalid,      // the input is wrong; `field` says where
    not_found,
    conflict,     // somebody else changed it, or a precondition does not hold
    busy,         // a queue is full; try again
    unavailable,  // the store does not answer
    refused,      // not allowed
    internal,
};

struct Error {
    ErrorKind kind = ErrorKind::internal;
    std::string field;    // path of the field, such as `executor_config.command`; may be empty
    std::string message;  // a sentence without a full stop
    bool operator==(const Error&) const = default;
};

inline Error invalid(std::string field, std::string message) {
    return {ErrorKind::invalid, std::move(field), std::move(message)};
}

}  // namespace khronos
