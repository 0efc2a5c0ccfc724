#include "core/zone/zone.h"

#include <absl/time/time.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "base/check.h"
#include "base/ids.h"

namespace khronos::zone {
namespace {

// Times with a rule behind them are tabled this far past the last change that the library lists,
// so that a search which starts inside the table stays inside it.
constexpr std::int64_t kMarginSeconds = 110LL * 366 * 86400;
constexpr std::int64_t kEarliest = INT64_MIN / 4;
// A change listed after this year comes from a standing rule: the library then lists 400 years.
constexpr int kRuleYear = 2300;

bool is_zone_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
}

// Only what names a place or an abbreviation of the IANA data the same way on every machine.
bool is_iana_name(std::string_view name) {
    if (name.size() > 64 || name.front() == '/' || name.back() == '/') return false;
    if (name.find("//") != name.npos) return false;
    if (!std::ranges::all_of(name, is_zone_character)) return false;
    if (name == "localtime" || name == "posixrules" || name == "UTC0") return false;
    return !name.starts_with("posix/") && !name.starts_with("right/");
}

// For messages: no control characters, no page of text.
std::string printable(std::string_view name) {
    std::string text(name.substr(0, 64));
    for (char& c : text)
        if (c < 0x20 || c > 0x7e) c = '?';
    return text;
}

std::int32_t offset_of(absl::TimeZone tz, std::int64_t seconds) {
    return tz.At(absl::FromUnixSeconds(seconds)).offset;
}

std::vector<Segment> read_segments(absl::TimeZone tz, std::int64_t* table_end) {
    std::vector<Segment> segments;
    absl::Time at = absl::InfinitePast();
    absl::TimeZone::CivilTransition change;
    bool by_rule = false;
    while (tz.NextTransition(at, &change)) {
        // After a gap `to` exists once, after an overlap its second copy is the change.
        const absl::Time when = tz.At(change.to).post;
        if (when <= at) break;
        at = when;
        const std::int64_t start = absl::ToUnixSeconds(when);
        const std::int32_t before = offset_of(tz, start - 1);
        const std::int32_t after = offset_of(tz, start);
        if (segments.empty()) segments.push_back({kEarliest, before, 0});
        // Changes of the name or of the daylight flag only are none of ours.
        if (before != after) segments.push_back({start, after, after - before});
        by_rule = change.to.year() > kRuleYear;
    }
    if (segments.empty()) segments.push_back({kEarliest, offset_of(tz, 0), 0});
    if (by_rule) {
        const std::int64_t listed_to = segments.back().start;
        *table_end = listed_to;
        const std::size_t listed = segments.size();
        for (std::size_t i = 1; i < listed; ++i) {
            const Segment next{segments[i].start + kCycleSeconds, segments[i].offset,
                               segments[i].shift};
            if (next.start > listed_to && next.start < listed_to + kMarginSeconds)
                segments.push_back(next);
        }
    }
    return segments;
}

}  // namespace

void Zone::build_index() {
    if (segments_.size() < 2) return;
    CHECK(segments_.size() < 65536);
    bucket_base_ = segments_[1].start;
    const std::int64_t span = segments_.back().start - bucket_base_;
    buckets_.resize(static_cast<std::size_t>(span >> kBucketBits) + 1);
    std::size_t segment = 1;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        const std::int64_t start = bucket_base_ + (static_cast<std::int64_t>(i) << kBucketBits);
        while (segment + 1 < segments_.size() && segments_[segment + 1].start <= start)
            ++segment;
        buckets_[i] = static_cast<std::uint16_t>(segment);
    }
}

std::size_t Zone::segment_at(std::int64_t table_seconds) const {
    if (buckets_.empty() || table_seconds < bucket_base_) return 0;
    const auto bucket = static_cast<std::size_t>((table_seconds - bucket_base_) >> kBucketBits);
    if (bucket >= buckets_.size()) return segments_.size() - 1;
    std::size_t i = buckets_[bucket];
    while (i + 1 < segments_.size() && segments_[i + 1].start <= table_seconds)
        ++i;
    return i;
}

std::int32_t Zone::offset_at(std::int64_t seconds) const {
    return segments_[segment_at(seconds - cycles_past_table(seconds) * kCycleSeconds)].offset;
}

// Every zone that was asked for, for the life of the process: schedules point to them. Lists that
// only grow at the head, so that no reader waits.
class Registry {
  public:
    static Registry& instance() {
        static Registry* const registry = new Registry;
        return *registry;
    }

    std::expected<const Zone*, std::string> find(std::string_view name) {
        if (name.empty()) name = "UTC";
        std::atomic<const Entry*>& head = lists_[stable_hash(name) % kLists];
        const Entry* first = head.load(std::memory_order_acquire);
        if (const Zone* known = find_until(first, nullptr, name)) return known;
        absl::TimeZone tz;
        if (!is_iana_name(name) || !absl::LoadTimeZone(std::string(name), &tz))
            return std::unexpected(fmt::format("unknown time zone {}", printable(name)));
        auto made = std::make_unique<Entry>(std::string(name));
        made->zone.segments_ = read_segments(tz, &made->zone.table_end_);
        made->zone.build_index();
        made->next = first;
        while (!head.compare_exchange_weak(made->next, made.get(), std::memory_order_acq_rel)) {
            // Somebody was quicker, perhaps with this very zone; theirs is then the one.
            if (const Zone* known = find_until(made->next, first, name)) return known;
            first = made->next;
        }
        return &made.release()->zone;
    }

  private:
    struct Entry {
        explicit Entry(std::string name) : zone(std::move(name)) {}
        Zone zone;
        const Entry* next = nullptr;
    };
    static constexpr std::size_t kLists = 64;

    static const Zone* find_until(const Entry* entry, const Entry* end, std::string_view name) {
        for (; entry != end; entry = entry->next)
            if (entry->zone.name() == name) return &entry->zone;
        return nullptr;
    }

    std::array<std::atomic<const Entry*>, kLists> lists_{};
};

std::expected<const Zone*, std::string> Zone::find(std::string_view name) {
    return Registry::instance().find(name);
}

const Zone& Zone::utc() {
    static const Zone* const zone = *find("UTC");
    return *zone;
}

std::string to_rfc3339(WallTime t, const Zone& zone) {
    if (zone.is_utc()) return khronos::to_rfc3339(t);
    std::int32_t minutes = zone.offset_at(t.seconds()) / 60;
    std::string text = khronos::to_rfc3339(t + Duration(std::int64_t{minutes} * 60000000));
    text.pop_back();
    const char sign = minutes < 0 ? '-' : '+';
    if (minutes < 0) minutes = -minutes;
    return text + fmt::format("{}{:02}:{:02}", sign, minutes / 60, minutes % 60);
}

}  // namespace khronos::zone
