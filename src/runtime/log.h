// The port to the log: a level, a sentence, and fields with names that are the same everywhere.
// It is handed to who needs it; there is no global one. Production writes lines to standard error
// (runtime/spdlog).
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/ids.h"
#include "base/time.h"

namespace khronos::runtime {

enum class LogLevel : std::uint8_t { debug, info, warn, error };

// Holds views: lives no longer than the call it is an argument of.
struct LogField {
    using Value =
        std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, JobUid, Duration>;

    LogField(std::string_view name, std::convertible_to<std::string_view> auto const& text)
        : key(name), value(std::string_view(text)) {}
    LogField(std::string_view name, bool yes) : key(name), value(yes) {}
    LogField(std::string_view name, double number) : key(name), value(number) {}
    LogField(std::string_view name, std::signed_integral auto number)
        : key(name), value(static_cast<std::int64_t>(number)) {}
    template <std::unsigned_integral Number>
        requires(!std::same_as<Number, bool>)
    LogField(std::string_view name, Number number)
        : key(name), value(static_cast<std::uint64_t>(number)) {}
    LogField(std::string_view name, JobUid uid) : key(name), value(uid) {}
    LogField(std::string_view name, Duration duration) : key(name), value(duration) {}
    template <class Tag, std::unsigned_integral Rep>
    LogField(std::string_view name, Strong<Tag, Rep> number)
        : key(name), value(static_cast<std::uint64_t>(number.value)) {}

    std::string_view key;  // lower case, words joined by `_`
    Value value;
};

// The names that a reader searches for.
namespace field {
inline LogField job(std::string_view name) {
    return {"job", name};
}
inline LogField execution(std::string_view id) {
    return {"execution", id};
}
inline LogField attempt(AttemptNo number) {
    return {"attempt", number};
}
inline LogField shard(ShardId shard) {
    return {"shard", shard};
}
inline LogField epoch(Epoch epoch) {
    return {"epoch", epoch};
}
inline LogField agent(std::string_view id) {
    return {"agent", id};
}
inline LogField worker(std::string_view id) {
    return {"worker", id};
}
inline LogField error(std::string_view message) {
    return {"error", message};
}
}  // namespace field

class Log {
  public:
    using Fields = std::span<const LogField>;

    virtual ~Log() = default;
    // Any thread, cheap: asked before a field that is costly to make.
    virtual bool enabled(LogLevel level) const = 0;
    // Any thread; does not wait for the reader of the log. Text of users is welcome in `message`
    // and in fields: what could forge a line or steer a terminal is escaped.
    virtual void write(LogLevel level, std::string_view message, Fields fields) = 0;

    void debug(std::string_view message, std::initializer_list<LogField> fields = {}) {
        put(LogLevel::debug, message, fields);
    }
    void info(std::string_view message, std::initializer_list<LogField> fields = {}) {
        put(LogLevel::info, message, fields);
    }
    void warn(std::string_view message, std::initializer_list<LogField> fields = {}) {
        put(LogLevel::warn, message, fields);
    }
    void error(std::string_view message, std::initializer_list<LogField> fields = {}) {
        put(LogLevel::error, message, fields);
    }

  private:
    void put(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
        if (enabled(level)) write(level, message, Fields(fields.begin(), fields.size()));
    }
};

// Says nothing.
class NoLog final : public Log {
  public:
    bool enabled(LogLevel) const override { return false; }
    void write(LogLevel, std::string_view, Fields) override {}
};

}  // namespace khronos::runtime
