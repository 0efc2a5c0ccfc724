#include "cluster/day_counts.h"

#include <fmt/format.h>

#include <charconv>

namespace khronos::cluster {
namespace {

constexpr std::string_view kPrefix = "counts/";
constexpr std::int64_t kDaySeconds = 86400;
// Keys read for one answer: days times processes.
constexpr std::size_t kKeysRead = 100'000;

WallTime day_of(WallTime at) {
    const std::int64_t seconds = at.seconds();
    return WallTime::from_seconds(seconds - (seconds % kDaySeconds + kDaySeconds) % kDaySeconds);
}

std::string day_prefix(WallTime day) {
    const CivilDate date = civil_from_days(day.seconds() / kDaySeconds);
    return fmt::format("{}{:04}{:02}{:02}/", kPrefix, date.year, date.month, date.day);
}

std::optional<WallTime> day_of_key(std::string_view key) {
    key.remove_prefix(kPrefix.size());
    int number = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    if (error != std::errc{} || end != key.data() + 8 || key.size() < 9 || key[8] != '/')
        return std::nullopt;
    const CivilDate date{number / 10000, number / 100 % 100, number % 100};
    return WallTime::from_seconds(days_from_civil(date) * kDaySeconds);
}

struct Reading {
    store::Store& store;
    std::vector<DayCount> days;
    std::string end;
    std::size_t read = 0;
    std::move_only_function<void(std::expected<std::vector<DayCount>, Error>)> done;
};

void read_page(std::shared_ptr<Reading> reading, std::string from) {
    store::RangeRequest request;
    request.begin = std::move(from);
    request.end = reading->end;
    request.limit = 5000;
    reading->store.range(std::move(request), [reading](auto result) {
        if (!result)
            return reading->done(std::unexpected(
                Error{ErrorKind::unavailable, "",
                      "the store does not answer: " + result.error().why}));
        for (const store::KeyValue& kv : result->kvs) {
            const auto day = day_of_key(kv.key);
            if (!day) continue;
            const auto index =
                static_cast<std::size_t>((*day - reading->days[0].day) / std::chrono::hours(24));
            if (index < reading->days.size()) add_from_text(reading->days[index], kv.value.view());
        }
        reading->read += result->kvs.size();
        if (!result->more || reading->read >= kKeysRead)
            return reading->done(std::move(reading->days));
        read_page(reading, result->kvs.back().key + '\0');
    });
}

}  // namespace

std::string to_text(const DayCount& count) {
    return fmt::format("{} {} {} {} {}", count.succeeded, count.failed, count.timed_out,
                       count.cancelled, count.lost);
}

bool add_from_text(DayCount& count, std::string_view text) {
    std::uint64_t* const places[] = {&count.succeeded, &count.failed, &count.timed_out,
                                     &count.cancelled, &count.lost};
    std::array<std::uint64_t, 5> numbers{};
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (std::uint64_t& number : numbers) {
        while (at != end && *at == ' ')
            ++at;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc{}) return false;
        at = next;
    }
    for (std::size_t i = 0; i < numbers.size(); ++i)
        *places[i] += numbers[i];
    return true;
}

std::string day_key(WallTime day, std::string_view process) {
    return day_prefix(day_of(day)) + std::string(process);
}

void read_day_counts(
    store::Store& store, WallTime first, int days,
    std::move_only_function<void(std::expected<std::vector<DayCount>, Error>)> done) {
    auto reading = std::make_shared<Reading>(store, std::vector<DayCount>(), "", 0U, std::move(done));
    first = day_of(first);
    for (int i = 0; i < std::max(days, 1); ++i)
        reading->days.push_back({first + std::chrono::hours(24) * i, 0, 0, 0, 0, 0});
    reading->end = store::prefix_end(day_prefix(reading->days.back().day));
    read_page(std::move(reading), day_prefix(first));
}

DayCounter::DayCounter(store::Store& store, runtime::Loop& loop, Config config)
    : store_(store), loop_(loop), config_(std::move(config)) {}

DayCounter::~DayCounter() {
    *alive_ = false;
    if (timer_) loop_.cancel(*timer_);
}

void DayCounter::add(core::ExecutionState end, WallTime at) {
    const WallTime day = day_of(at);
    DayCount& count = days_[day];
    count.day = day;
    using State = core::ExecutionState;
    switch (end) {
        case State::succeeded:
            ++count.succeeded;
            break;
        case State::failed:
            ++count.failed;
            break;
        case State::timed_out:
            ++count.timed_out;
            break;
        case State::cancelled:
            ++count.cancelled;
            break;
        case State::lost:
            ++count.lost;
            break;
        case State::unknown:
        case State::waiting:
        case State::claimed:
        case State::retry_wait:
        case State::skipped:
        case State::coalesced:
            return;  // no end
    }
    dirty_[day] = true;
    arm();
}

void DayCounter::arm() {
    if (timer_) return;
    timer_ = loop_.call_after(config_.flush_every, [this] {
        timer_.reset();
        flush();
    });
}

void DayCounter::flush(std::move_only_function<void()> done) {
    if (dirty_.empty()) return done();
    store::Txn txn;
    const WallTime today = day_of(loop_.wall_now());
    const WallTime oldest = today - std::chrono::hours(24) * kDaysKept;
    std::erase_if(dirty_, [&](const auto& entry) { return entry.first < oldest; });
    for (const auto& [day, is] : dirty_)
        txn.operations.push_back(
            store::Put{day_key(day, config_.process), to_text(days_[day]), {}});
    const bool sweep = today != swept_;
    if (sweep)
        txn.operations.push_back(
            store::EraseRange{std::string(kPrefix),
                              day_prefix(oldest)});
    store_.write(std::move(txn), [this, alive = alive_, today, sweep, written = dirty_,
                                  done = std::move(done)](const store::WriteOutcome& outcome) mutable {
        if (*alive) {
            if (std::holds_alternative<store::Applied>(outcome)) {
                if (sweep) swept_ = today;
                // A day that is over gets nothing more, unless it is counted anew.
                std::erase_if(days_, [&](const auto& entry) {
                    return entry.first + std::chrono::hours(48) < today &&
                           !dirty_.contains(entry.first);
                });
            } else {
                // The totals are written, not what was added: once more does no harm.
                dirty_.insert(written.begin(), written.end());
                arm();
            }
        }
        done();
    });
    dirty_.clear();
}

}  // namespace khronos::cluster
