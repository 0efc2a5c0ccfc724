// A time zone as a table of offset changes, made once for each name and then immutable.
//
// The rules come from the system's IANA data. The table holds every change that the data has, and
// for zones with a standing daylight-saving rule one whole 400-year cycle of it (the calendar,
// days of the week included, repeats after 400 years) and a century more; a time behind the table
// is moved back by whole cycles. So an offset costs a look-up and no calculation with rules.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace khronos::zone {

// The seconds in 400 Gregorian years.
inline constexpr std::int64_t kCycleSeconds = 146097LL * 86400;

// From `start` (UTC seconds since 1970) until the next segment's start, local time is UTC + offset.
struct Segment {
    std::int64_t start;
    std::int32_t offset;  // seconds
    // This offset less the one before: > 0 local times are missing at `start` (a gap), < 0 they
    // come twice (an overlap), 0 only for the first segment.
    std::int32_t shift;
    bool operator==(const Segment&) const = default;
};

class Zone {
  public:
    // The one object for this name; lives as long as the process. Safe on any thread.
    // Takes IANA names such as `Europe/Paris`; "" is UTC. Refuses `localtime`, paths and POSIX
    // strings, which mean something else on every machine. The error is a sentence; for a name
    // that does not exist `unknown time zone X`.
    static std::expected<const Zone*, std::string> find(std::string_view name);
    static const Zone& utc();

    const std::string& name() const { return name_; }
    // A zone that is UTC at all times, whatever its name.
    bool is_utc() const { return segments_.size() == 1 && segments_[0].offset == 0; }

    // In order of time, at least one. The first starts before every time; the last has no end.
    std::span<const Segment> segments() const { return segments_; }
    // The index of the segment of a table time (see to_table).
    std::size_t segment_at(std::int64_t table_seconds) const;

    // Whole cycles to take from a time to bring it to where the table is complete for the next
    // hundred years; 0 for the times that matter.
    std::int64_t cycles_past_table(std::int64_t seconds) const {
        return seconds < table_end_ ? 0 : 1 + (seconds - table_end_) / kCycleSeconds;
    }

    // UTC offset in seconds at a UTC time in seconds.
    std::int32_t offset_at(std::int64_t seconds) const;

    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;

  private:
    explicit Zone(std::string name) : name_(std::move(name)) {}
    void build_index();
    friend class Registry;

    std::string name_;
    std::vector<Segment> segments_;
    std::int64_t table_end_ = INT64_MAX;
    // buckets_[i]: the segment in force at bucket_base_ + i * 2^kBucketBits.
    static constexpr int kBucketBits = 23;  // 97 days
    std::int64_t bucket_base_ = 0;
    std::vector<std::uint16_t> buckets_;
};

// RFC 3339 in the zone: `2026-07-01T09:00:00+02:00`, with `Z` in a zone that is UTC. An offset with
// seconds (local mean time) is written to the minute, and the local time with it, so that what is
// printed is always the right instant.
std::string to_rfc3339(WallTime t, const Zone& zone);

}  // namespace khronos::zone
