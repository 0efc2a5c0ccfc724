#include "runtime/spdlog/spdlog_log.h"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <mutex>

#include "runtime/spdlog/log_format.h"

namespace khronos::runtime {

namespace {

// One write for one line, at once: a line is worth little in a buffer when the process dies.
class StreamSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit StreamSink(std::FILE* stream) : stream_(stream) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        std::fwrite(line.data(), 1, line.size(), stream_);
        std::fflush(stream_);
    }
    void flush_() override { std::fflush(stream_); }

  private:
    std::FILE* stream_;
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

std::string_view name_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            return "error";
    }
    return "info";
}

}  // namespace

struct SpdlogLog::Impl {
    explicit Impl(SpdlogConfig config)
        : json(config.format == SpdlogConfig::Format::json),
          level(config.level),
          pool(std::make_shared<spdlog::details::thread_pool>(config.queue_lines, 1)),
          logger(std::make_shared<spdlog::async_logger>(
              "khronos", std::make_shared<StreamSink>(config.stream), pool,
              spdlog::async_overflow_policy::overrun_oldest)) {
        const char* pattern =
            json ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%fZ\",%v}" : "%Y-%m-%dT%H:%M:%S.%eZ %v";
        logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
            pattern, spdlog::pattern_time_type::utc, "\n"));
        logger->set_level(spdlog::level::trace);
    }

    const bool json;
    std::atomic<LogLevel> level;
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

SpdlogLog::SpdlogLog(SpdlogConfig config) : impl_(std::make_unique<Impl>(config)) {}
SpdlogLog::~SpdlogLog() = default;

bool SpdlogLog::enabled(LogLevel level) const {
    return level >= impl_->level.load(std::memory_order_relaxed);
}

void SpdlogLog::set_level(LogLevel level) {
    impl_->level.store(level, std::memory_order_relaxed);
}

void SpdlogLog::write(LogLevel level, std::string_view message, Fields fields) {
    std::string line;
    line.reserve(256);
    if (impl_->json) {
        line.append("\"level\":\"").append(name_of(level)).append("\",");
        append_json(line, message, fields);
    } else {
        line.append(name_of(level))
            .append(level == LogLevel::debug || level == LogLevel::error ? " " : "  ");
        append_text(line, message, fields);
    }
    impl_->logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace khronos::runtime
