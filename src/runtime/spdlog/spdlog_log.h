// The log as lines of text or of JSON on a stream, standard error by default.
//
// Lines are written by a thread of its own, so that a loop never waits for a slow reader; when
// more than the queue's size wait, the oldest are dropped.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>

#include "runtime/log.h"

namespace khronos::runtime {

struct SpdlogConfig {
    enum class Format : std::uint8_t { text, json };
    Format format = Format::text;
    LogLevel level = LogLevel::info;
    std::size_t queue_lines = 8192;
    std::FILE* stream = stderr;  // outlives the log
};

class SpdlogLog final : public Log {
  public:
    explicit SpdlogLog(SpdlogConfig config);
    ~SpdlogLog() override;  // after all lines are written
    SpdlogLog(const SpdlogLog&) = delete;
    SpdlogLog& operator=(const SpdlogLog&) = delete;

    bool enabled(LogLevel level) const override;
    void write(LogLevel level, std::string_view message, Fields fields) override;
    void set_level(LogLevel level);  // any thread

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace khronos::runtime
