#include "core/cron/field_parser.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <span>

#include "base/limits.h"

namespace khronos::cron {
namespace {

constexpr std::array<std::string_view, 12> kMonthNames{"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                       "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdayNames{"SUN", "MON", "TUE", "WED",
                                                        "THU", "FRI", "SAT"};
constexpr int kLargestStep = 9999;

struct FieldSpec {
    std::string_view name;
    int min;
    int max;
    int hash_max;  // `H` and a bare `~` choose up to here: a day that every month has
    std::span<const std::string_view> names;
    std::string_view example;
};
const std::array<FieldSpec, kFieldCount> kSpecs{{
    {"second", 0, 59, 59, {}, "0, */15 or 10-20"},
    {"minute", 0, 59, 59, {}, "0, */15 or 10-20"},
    {"hour", 0, 23, 23, {}, "2, */6 or 9-17"},
    {"day of month", 1, 31, 28, {}, "1, */2, 1-7, L, LW or 15W"},
    {"month", 1, 12, 12, kMonthNames, "1, */3, JAN or JUN-AUG"},
    {"day of week", 0, 6, 6, kWeekdayNames, "1, MON-FRI, 5L or 5#3"},
}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
bool is_letter(char c) {
    return upper(c) >= 'A' && upper(c) <= 'Z';
}

// Splitmix's finisher: every bit of the seed and the place moves every bit of the result.
std::uint64_t mixed(std::uint64_t seed, std::uint64_t place) {
    std::uint64_t x = seed + place * 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

class TermParser {
  public:
    TermParser(FieldIndex index, Piece term, std::uint64_t random, Fields& fields)
        : index_(index),
          spec_(kSpecs[static_cast<std::size_t>(index)]),
          term_(term),
          random_(random),
          fields_(fields) {}

    using Result = std::expected<void, CronError>;

    Result run() {
        if (term_.text.empty())
            return fault(term_, fmt::format("{} is missing here", one()),
                         fmt::format("such as {}", spec_.example));
        if (take('*')) return stepped(spec_.min, spec_.max);
        if (peek() == '?') return question_mark();
        if (peek() == '~') return random_range(spec_.min, false);
        if (is_letter(peek())) {
            if (upper(peek()) == 'H' && !(is_letter(peek(1)))) return hashed();
            if (index_ == FieldIndex::day && upper(peek()) == 'L') return last_day();
        }
        return plain();
    }

    std::uint64_t mask() const { return mask_; }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < term_.text.size() ? term_.text[at_ + ahead] : '\0';
    }
    bool take(char c) {
        if (at_ >= term_.text.size() || upper(term_.text[at_]) != c) return false;
        ++at_;
        return true;
    }
    bool done() const { return at_ == term_.text.size(); }
    std::string one() const {
        return fmt::format("{} {}", index_ == FieldIndex::hour ? "an" : "a", spec_.name);
    }
    Piece since(std::size_t start) const { return term_.sub(start, at_ - start); }

    Result finished() {
        if (done()) return {};
        const Piece rest = term_.sub(at_);
        return fault(rest, fmt::format("'{}' is not understood here", printable(rest.text)),
                     fmt::format("the {} field takes terms such as {}", spec_.name, spec_.example));
    }

    // A run of digits; what is too long for any field reads as a large number.
    std::optional<int> digits() {
        const std::size_t start = at_;
        int value = 0;
        for (; is_digit(peek()); ++at_)
            if (value <= kLargestStep) value = value * 10 + (peek() - '0');
        return at_ == start ? std::nullopt : std::optional(value);
    }

    std::expected<int, CronError> value() {
        const std::size_t start = at_;
        if (const std::optional<int> number = digits()) {
            if (*number >= spec_.min && *number <= spec_.max) return *number;
            return fault(
                since(start),
                fmt::format("{} {} is out of range", spec_.name, printable(since(start).text)),
                range_hint(*number));
        }
        if (is_letter(peek())) return name();
        const Piece rest = term_.sub(at_);
        if (rest.text.empty())
            return fault(rest, fmt::format("{} is missing here", one()),
                         fmt::format("{} to {}", spec_.min, spec_.max));
        return fault(rest, fmt::format("'{}' is not {}", printable(rest.text), one()),
                     fmt::format("{} is {} to {}", one(), spec_.min, spec_.max));
    }

    std::string range_hint(int number) const {
        if (index_ == FieldIndex::weekday && number == 7)
            return "a day of week is 0 to 6 or SUN to SAT; Sunday is 0";
        if (index_ == FieldIndex::hour && number == 24) return "an hour is 0 to 23; midnight is 0";
        if (!spec_.names.empty())
            return fmt::format("a {} is {} to {} or {} to {}", spec_.name, spec_.min, spec_.max,
                               spec_.names.front(), spec_.names.back());
        return fmt::format("{} is {} to {}", one(), spec_.min, spec_.max);
    }

    // Three letters in any case; in the day of week an `L` may follow at once.
    std::expected<int, CronError> name() {
        const std::size_t start = at_;
        std::size_t length = 0;
        while (is_letter(peek(length)))
            ++length;
        const bool with_last =
            index_ == FieldIndex::weekday && length == 4 && upper(peek(3)) == 'L';
        if (length == 3 || with_last) {
            for (std::size_t i = 0; i < spec_.names.size(); ++i) {
                const std::string_view name = spec_.names[i];
                if (name[0] == upper(peek(0)) && name[1] == upper(peek(1)) &&
                    name[2] == upper(peek(2))) {
                    at_ += 3;
                    return spec_.min + static_cast<int>(i);
                }
            }
        }
        at_ += length;
        return fault(since(start),
                     fmt::format("'{}' is not {}", printable(since(start).text), one()),
                     name_hint());
    }

    std::string name_hint() const {
        if (!spec_.names.empty())
            return fmt::format("the names are {}", fmt::join(spec_.names, ", "));
        return fmt::format("the {} field takes terms such as {}", spec_.name, spec_.example);
    }

    // An optional `/n`; 0 when there is none.
    std::expected<int, CronError> step() {
        if (!take('/')) return 0;
        const std::size_t start = at_;
        const std::optional<int> n = digits();
        if (!n)
            return fault(done() ? term_.sub(at_) : term_.sub(at_, 1),
                         "a number is missing after the '/'", "such as */15");
        if (*n == 0) return fault(since(start), "a step of 0 goes nowhere", "a step is 1 or more");
        if (*n > kLargestStep)
            return fault(since(start), "this step is too large",
                         fmt::format("a step is at most {}", kLargestStep));
        return *n;
    }

    void choose(int from, int to, int step_size) {
        for (int v = from; v <= to; v += step_size)
            mask_ |= std::uint64_t{1} << v;
    }

    Result stepped(int from, int to) {
        const auto n = step();
        if (!n) return std::unexpected(n.error());
        if (from == spec_.min && to == spec_.max && *n == 0) unrestricted_ = true;
        if (*n > to - from && to > from) fields_.wide_step = true;
        choose(from, to, *n == 0 ? 1 : *n);
        return finished();
    }

    Result question_mark() {
        if (index_ != FieldIndex::day && index_ != FieldIndex::weekday)
            return fault(term_.sub(0, 1),
                         fmt::format("'?' cannot stand in the {} field", spec_.name),
                         "it is for the two day fields; write * here");
        if (term_.text.size() != 1)
            return fault(term_, "'?' stands alone or not at all", "write * for every day");
        take('?');
        unrestricted_ = true;
        choose(spec_.min, spec_.max, 1);
        return {};
    }

    std::expected<void, CronError> ordered(std::size_t start, int from, int to) const {
        if (from <= to) return {};
        return fault(
            since(start), "this range runs backwards",
            fmt::format("write it as two ranges: {}-{},{}-{}", from, spec_.max, spec_.min, to));
    }

    // One value of the range, or with a step one of the possible starts.
    Result pick(int from, int to) {
        const auto n = step();
        if (!n) return std::unexpected(n.error());
        const int width = to - from + 1;
        const int choices = *n == 0 || *n > width ? width : *n;
        const int start = from + static_cast<int>(random_ % static_cast<unsigned>(choices));
        choose(start, *n == 0 ? start : to, *n == 0 ? 1 : *n);
        return finished();
    }

    // [a]~[b][/n]
    Result random_range(int from, bool has_from) {
        take('~');
        int to = has_from ? spec_.max : spec_.hash_max;
        if (!done() && peek() != '/') {
            const auto end = value();
            if (!end) return std::unexpected(end.error());
            to = *end;
        }
        if (const auto right = ordered(0, from, to); !right) return right;
        return pick(from, to);
    }

    // H, H/n, H(a-b), H(a-b)/n
    Result hashed() {
        take('H');
        int from = spec_.min;
        int to = spec_.hash_max;
        if (take('(')) {
            const std::size_t start = at_;
            const auto low = value();
            if (!low) return std::unexpected(low.error());
            if (!take('-'))
                return fault(term_, "the range of an H is incomplete", "such as H(0-29)");
            const auto high = value();
            if (!high) return std::unexpected(high.error());
            if (const auto right = ordered(start, *low, *high); !right) return right;
            if (!take(')'))
                return fault(term_, "a ')' is missing after the range of an H", "such as H(0-29)");
            from = *low;
            to = *high;
        }
        return pick(from, to);
    }

    // L, L-n, LW
    Result last_day() {
        take('L');
        if (take('W')) {
            fields_.near_weekdays |= 1;
            return finished();
        }
        int back = 0;
        if (take('-')) {
            const std::size_t start = at_;
            const std::optional<int> n = digits();
            if (!n || *n > 30)
                return fault(n ? since(start) : term_,
                             "L- takes a number of days before the last of the month",
                             "L-1 to L-30");
            back = *n;
        }
        fields_.days_from_end |= std::uint32_t{1} << back;
        return finished();
    }

    // a, a-b, a/n, a-b/n, a~b, and nW, dL, d#n in the day fields
    Result plain() {
        if (index_ == FieldIndex::weekday && upper(peek()) == 'L' && term_.text.size() == 1)
            return fault(term_, "L in the day of week needs a day before it",
                         "5L is the last Friday of the month; SAT is every Saturday");
        const std::size_t start = at_;
        const auto from = value();
        if (!from) return std::unexpected(from.error());
        if (peek() == '~') return random_range(*from, true);
        if (index_ == FieldIndex::day && take('W')) {
            fields_.near_weekdays |= std::uint32_t{1} << *from;
            return finished();
        }
        if (index_ == FieldIndex::weekday && take('L')) {
            fields_.nth_weekdays |= std::uint64_t{1} << (40 + *from);
            return finished();
        }
        if (index_ == FieldIndex::weekday && take('#')) return nth_weekday(*from);
        int to = peek() == '/' ? spec_.max : *from;
        if (take('-')) {
            const auto end = value();
            if (!end) return std::unexpected(end.error());
            if (const auto right = ordered(start, *from, *end); !right) return right;
            to = *end;
        }
        const auto result = stepped(*from, to);
        unrestricted_ = false;  // 0-6 is a choice, if of everything
        return result;
    }

    Result nth_weekday(int weekday) {
        const std::size_t start = at_;
        const std::optional<int> n = digits();
        if (!n || *n < 1 || *n > 5)
            return fault(n ? since(start) : term_, "a month has a first to a fifth of each weekday",
                         "5#3 is the third Friday");
        fields_.nth_weekdays |= std::uint64_t{1} << (weekday * 5 + *n - 1);
        return finished();
    }

  public:
    bool unrestricted() const { return unrestricted_; }

  private:
    FieldIndex index_;
    const FieldSpec& spec_;
    Piece term_;
    std::uint64_t random_;
    Fields& fields_;
    std::size_t at_ = 0;
    std::uint64_t mask_ = 0;
    bool unrestricted_ = false;
};

void put_mask(FieldIndex index, std::uint64_t mask, bool unrestricted, Fields& fields) {
    switch (index) {
        case FieldIndex::second:
            fields.seconds = mask;
            return;
        case FieldIndex::minute:
            fields.minutes = mask;
            return;
        case FieldIndex::hour:
            fields.hours = static_cast<std::uint32_t>(mask);
            return;
        case FieldIndex::day:
            fields.days = static_cast<std::uint32_t>(mask);
            fields.day_restricted = !unrestricted;
            return;
        case FieldIndex::month:
            fields.months = static_cast<std::uint16_t>(mask);
            return;
        case FieldIndex::weekday:
            fields.weekdays = static_cast<std::uint8_t>(mask);
            fields.weekday_restricted = !unrestricted;
            return;
    }
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
    std::string result(text.substr(0, most));
    for (char& c : result)
        if (c < 0x20 || c > 0x7e) c = '?';
    if (text.size() > most) result += "...";
    return result;
}

std::expected<void, CronError> parse_field(FieldIndex index, Piece piece, std::uint64_t seed,
                                           Fields& fields) {
    std::uint64_t mask = 0;
    bool unrestricted = false;
    std::size_t terms = 0;
    std::size_t start = 0;
    for (;;) {
        const std::size_t comma = piece.text.find(',', start);
        const std::size_t end = comma == std::string_view::npos ? piece.text.size() : comma;
        if (++terms > limits::kCronTermsPerField)
            return fault(piece.sub(start),
                         fmt::format("a field has at most {} terms", limits::kCronTermsPerField),
                         "use a range or a step");
        const std::uint64_t place = static_cast<std::uint64_t>(index) * 64 + terms;
        TermParser term(index, piece.sub(start, end - start), mixed(seed, place), fields);
        if (const auto result = term.run(); !result) return result;
        if (term.unrestricted() && piece.text[start] == '?' && piece.text.size() > 1)
            return fault(piece, "'?' stands alone or not at all", "write * for every day");
        mask |= term.mask();
        unrestricted |= term.unrestricted();
        if (comma == std::string_view::npos) break;
        start = comma + 1;
    }
    put_mask(index, mask, unrestricted, fields);
    return {};
}

}  // namespace khronos::cron
