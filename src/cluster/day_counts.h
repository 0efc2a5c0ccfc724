// How many runs ended how, day by day: what /v1/stats and the calendar show of the past, long
// after the records of the runs are forgotten.
//
// Each process counts the ends it writes itself and keeps its counts of a day under a key of its
// own, counts/<yyyymmdd>/<process>; the sum over all keys of a day is the day's. What was counted
// since the last flush is lost with a process that dies: these are statistics, the records are the
// truth.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/model/execution.h"
#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::cluster {

struct DayCount {
    WallTime day;  // 00:00 UTC
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t lost = 0;
    bool operator==(const DayCount&) const = default;
};

// The value of a key: the five numbers, in that order.
std::string to_text(const DayCount& count);
bool add_from_text(DayCount& count, std::string_view text);
std::string day_key(WallTime day, std::string_view process);

// From `first` on, `days` of them, oldest first, days without a run included.
void read_day_counts(store::Store& store, WallTime first, int days,
                     std::move_only_function<void(std::expected<std::vector<DayCount>, Error>)> done);

inline constexpr int kDaysKept = 400;

class DayCounter {
  public:
    struct Config {
        std::string process;  // an id that no other process has or will have
        Duration flush_every = std::chrono::seconds(10);
    };
    DayCounter(store::Store& store, runtime::Loop& loop, Config config);
    ~DayCounter();
    DayCounter(const DayCounter&) = delete;

    void add(core::ExecutionState end, WallTime at);
    // Writes what is counted and not written; `done` when that is over, well or not.
    void flush(std::move_only_function<void()> done = [] {});

  private:
    void arm();

    store::Store& store_;
    runtime::Loop& loop_;
    const Config config_;
    std::map<WallTime, DayCount> days_;  // today's, and those that are not written yet
    std::map<WallTime, bool> dirty_;
    WallTime swept_;  // the day on which old days were last deleted
    std::optional<runtime::TimerId> timer_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace khronos::cluster
