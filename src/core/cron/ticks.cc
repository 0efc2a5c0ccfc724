#include "core/cron/ticks.h"

#include <algorithm>
#include <span>

#include "core/cron/local_search.h"
#include "core/cron/schedule.h"

namespace khronos::cron {
namespace {

using zone::Segment;

// Behind every time, yet far from overflow.
constexpr std::int64_t kForever = INT64_MAX / 4;

// The policy of the fields, and the stretch of one segment in which it has ticks.
struct Policy {
    explicit Policy(const Fields& fields)
        : first_copy(fields.runs_first_copy()),
          second_copy(fields.runs_second_copy()),
          gap(fields.runs_in_gap()) {}

    std::int64_t begin(const Segment& segment) const {
        return segment.shift < 0 && !second_copy ? segment.start - segment.shift : segment.start;
    }
    // The stretch before `next` ends here.
    std::int64_t end(const Segment& next) const {
        return next.shift < 0 && !first_copy ? next.start + next.shift : next.start;
    }
    bool runs_gap(const Segment& segment) const {
        return gap && segment.shift > 0 && segment.shift <= kLongestGapRunSeconds;
    }

    bool first_copy;
    bool second_copy;
    bool gap;
};

// A search that is repeated only when its last answer says nothing about the new start.
class Forward {
  public:
    Forward(const Fields& fields, std::int64_t limit) : fields_(fields), limit_(limit) {}
    std::int64_t from(std::int64_t local) {
        if (local < searched_ || local > found_) {
            searched_ = local;
            found_ = next_local(fields_, local, limit_);
        }
        return found_;
    }

  private:
    const Fields& fields_;
    std::int64_t limit_;
    std::int64_t searched_ = kForever;  // nothing is chosen in [searched_, found_)
    std::int64_t found_ = 0;
};

class Backward {
  public:
    Backward(const Fields& fields, std::int64_t limit) : fields_(fields), limit_(limit) {}
    std::int64_t from(std::int64_t local) {
        if (local > searched_ || local < found_) {
            searched_ = local;
            found_ = prev_local(fields_, local, limit_);
        }
        return found_;
    }

  private:
    const Fields& fields_;
    std::int64_t limit_;
    std::int64_t searched_ = -kForever;  // nothing is chosen in (found_, searched_]
    std::int64_t found_ = 0;
};

}  // namespace

std::optional<std::int64_t> tick_at_or_after(const Fields& fields, const zone::Zone& zone,
                                             std::int64_t from) {
    const std::span<const Segment> segments = zone.segments();
    if (segments.size() == 1) {
        const std::int64_t offset = segments[0].offset;
        const std::int64_t local = from + offset;
        const std::int64_t found = next_local(fields, local, local + kHorizonSeconds);
        if (found == kNoneAfter) return std::nullopt;
        return found - offset;
    }
    const std::int64_t cycles = zone.cycles_past_table(from) * zone::kCycleSeconds;
    std::int64_t t = from - cycles;
    const std::int64_t limit = t + kHorizonSeconds;
    const Policy policy(fields);
    Forward search(fields, limit + kDaySeconds);
    std::size_t i = zone.segment_at(t);
    // The tick of a gap lies on the first second of a segment and is found from the one before.
    if (t == segments[i].start) --i;
    for (;; ++i) {
        const Segment& segment = segments[i];
        const bool is_last = i + 1 == segments.size();
        const std::int64_t begin = std::max(t, policy.begin(segment));
        const std::int64_t end = is_last ? kForever : policy.end(segments[i + 1]);
        if (begin < end) {
            const std::int64_t tick = search.from(begin + segment.offset) - segment.offset;
            if (tick < end) return tick + cycles;
        }
        if (is_last) return std::nullopt;
        const Segment& next = segments[i + 1];
        if (next.start > limit) return std::nullopt;
        if (policy.runs_gap(next) &&
            search.from(next.start + segment.offset) < next.start + next.offset)
            return next.start + cycles;
        t = next.start;
    }
}

std::optional<std::int64_t> tick_at_or_before(const Fields& fields, const zone::Zone& zone,
                                              std::int64_t from) {
    const std::span<const Segment> segments = zone.segments();
    // The hundred years before `from` have to be inside the table too.
    const std::int64_t cycles =
        zone.cycles_past_table(from - kHorizonSeconds) * zone::kCycleSeconds;
    std::int64_t t = from - cycles;
    const std::int64_t limit = t - kHorizonSeconds;
    const Policy policy(fields);
    Backward search(fields, limit - kDaySeconds);
    for (std::size_t i = zone.segment_at(t);; --i) {
        const Segment& segment = segments[i];
        const std::int64_t begin = policy.begin(segment);
        const std::int64_t end = i + 1 == segments.size() ? kForever : policy.end(segments[i + 1]);
        const std::int64_t last = std::min(t, end - 1);
        if (last >= begin) {
            const std::int64_t tick = search.from(last + segment.offset) - segment.offset;
            if (tick >= begin) return tick + cycles;
        }
        if (i == 0 || segment.start < limit) return std::nullopt;
        if (policy.runs_gap(segment) && search.from(segment.start + segment.offset - 1) >=
                                            segment.start + segments[i - 1].offset)
            return segment.start + cycles;
        t = segment.start - 1;
    }
}

bool gap_hides_ticks(const Fields& fields, const Segment& segment) {
    if (segment.shift <= 0) return false;
    const std::int64_t missing_to = segment.start + segment.offset;
    return next_local(fields, missing_to - segment.shift, missing_to) < missing_to;
}

}  // namespace khronos::cron
