// `khronos job plan`: what `job apply` would change, in fields and in the coming week's ticks.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ostream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/job_saver.h"
#include "cli/job_timing.h"
#include "cli/progress.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

constexpr Duration kWeek = std::chrono::hours(7 * 24);
// A tick every second of the week, and then some.
constexpr std::size_t kMostTicks = 700'000;
constexpr std::size_t kShownTicks = 6;

struct FieldChange {
    std::string field;
    json::value before, after;  // null: not there
};

// Objects are compared member by member, so that one changed variable is one line.
void compare(const std::string& path, const json::value& before, const json::value& after,
             std::vector<FieldChange>& changes) {
    if (before == after) return;
    const auto* a = before.if_object();
    const auto* b = after.if_object();
    const bool members = (a || before.is_null()) && (b || after.is_null());
    if (!members || (!a && !b)) {
        changes.push_back({path, before, after});
        return;
    }
    const auto below = [&](std::string_view key) {
        return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
    };
    const json::value missing;
    if (a)
        for (const auto& [key, value] : *a) {
            const auto* other = b ? b->if_contains(key) : nullptr;
            compare(below(key), value, other ? *other : missing, changes);
        }
    if (b)
        for (const auto& [key, value] : *b)
            if (!a || !a->contains(key)) compare(below(key), missing, value, changes);
}

std::vector<FieldChange> field_changes(const JobChange& change) {
    std::vector<FieldChange> all;
    compare("", change.before, change.after, all);
    std::erase_if(all, [](const FieldChange& c) { return is_kept_by_agent(c.field); });
    return all;
}

struct Ticks {
    std::vector<WallTime> before, after, added, removed;
};

class Plan {
  public:
    Plan(const Options& options, const JobApplyArgs& args, Session& session)
        : talk_(options, session), args_(args), now_(session.wall()) {}

    int run() {
        if (args_.files.empty()) {
            talk_.error("which file? say -f FILE, -f DIRECTORY, or -f - for standard input");
            return kUsage;
        }
        const auto documents = read_job_documents(talk_, args_.files);
        if (!documents) return kUsage;
        bool good = true;
        Progress progress(talk_.options(), talk_.session(), "jobs compared", documents->size());
        for (const JobDocument& document : *documents) {
            const auto change = check_job(talk_, document, brings_parent(*documents, document));
            // What is printed begins a line.
            progress.clear();
            good = good && change.has_value() && add(document, *change);
            progress.step();
        }
        if (!good) return kUsage;
        if (!talk_.print_document(list_)) print_summary();
        return created_ + configured_ == 0 ? kDone : kFailed;
    }

  private:
    bool add(const JobDocument& document, const JobChange& change) {
        switch (change.change) {
            case Change::created:
                ++created_;
                break;
            case Change::configured:
                ++configured_;
                break;
            case Change::unchanged:
                ++unchanged_;
                break;
        }
        const auto ticks = ticks_of_change(change);
        if (!ticks) {
            talk_.error(fmt::format("{}: {}", document.place, ticks.error()));
            return false;
        }
        const auto fields = change.change == Change::configured ? field_changes(change)
                                                                : std::vector<FieldChange>();
        switch (talk_.options().format) {
            case Format::json:
            case Format::yaml:
                list_.push_back(in_json(document, change, fields, *ticks));
                break;
            case Format::name:
                if (change.change != Change::unchanged)
                    talk_.session().out << printable(document.name) << '\n';
                break;
            case Format::table:
            case Format::wide:
                print(document, change, fields, *ticks);
                break;
        }
        return true;
    }

    std::expected<Ticks, std::string> ticks_of_change(const JobChange& change) const {
        Ticks ticks;
        const auto read =
            [&](const json::value& document) -> std::expected<std::vector<WallTime>, std::string> {
            const auto job = scheduled_job(document, now_);
            if (!job) return std::unexpected(job.error());
            return ticks_of(*job, now_, now_ + kWeek, kMostTicks);
        };
        if (!change.before.is_null()) {
            auto before = read(change.before);
            if (!before) return std::unexpected(before.error());
            ticks.before = std::move(*before);
        }
        // A schedule that stays as it is keeps its phase.
        json::value after = change.after;
        const bool same = cell(change.before, "schedule") == cell(after, "schedule") &&
                          cell(change.before, "timezone") == cell(after, "timezone");
        if (same && after.is_object() && change.before.is_object())
            after.get_object()["next"] = cell(change.before, "next");
        auto later = read(after);
        if (!later) return std::unexpected(later.error());
        ticks.after = std::move(*later);
        std::ranges::set_difference(ticks.after, ticks.before, std::back_inserter(ticks.added));
        std::ranges::set_difference(ticks.before, ticks.after, std::back_inserter(ticks.removed));
        return ticks;
    }

    static json::array some(const std::vector<WallTime>& times) {
        json::array list;
        for (std::size_t i = 0; i < std::min(times.size(), kShownTicks); ++i)
            list.push_back(json::string(to_rfc3339(times[i])));
        return list;
    }

    static json::object in_json(const JobDocument& document, const JobChange& change,
                                const std::vector<FieldChange>& fields, const Ticks& ticks) {
        json::array list;
        for (const FieldChange& field : fields)
            list.push_back(json::object{
                {"field", field.field}, {"before", field.before}, {"after", field.after}});
        return {{"name", document.name},
                {"change", to_text(change.change)},
                {"fields", std::move(list)},
                {"ticks", json::object{{"before", ticks.before.size()},
                                       {"after", ticks.after.size()},
                                       {"added", ticks.added.size()},
                                       {"removed", ticks.removed.size()},
                                       {"first_added", some(ticks.added)},
                                       {"first_removed", some(ticks.removed)}}}};
    }

    std::string tinted(std::string_view color, const std::string& text) const {
        return talk_.options().color ? fmt::format("\033[{}m{}\033[0m", color, text) : text;
    }

    void line(char sign, const std::string& text) {
        const std::string shown = fmt::format("{} {}", sign, printable(text));
        talk_.session().out << (sign == '+'   ? tinted("32", shown)
                                : sign == '-' ? tinted("31", shown)
                                : sign == '~' ? tinted("33", shown)
                                              : shown)
                            << '\n';
    }

    void print(const JobDocument& document, const JobChange& change,
               const std::vector<FieldChange>& fields, const Ticks& ticks) {
        if (change.change == Change::unchanged) {
            if (!talk_.options().quiet) line(' ', fmt::format("job {} unchanged", document.name));
            return;
        }
        const bool is_new = change.change == Change::created;
        line(is_new ? '+' : '~', fmt::format("job {} {}", document.name,
                                             is_new ? "would be created" : "would be changed"));
        for (const FieldChange& field : fields)
            talk_.session().out << printable(fmt::format("    {}: {} -> {}", field.field,
                                                         in_words(field.before),
                                                         in_words(field.after)))
                                << '\n';
        std::string text = fmt::format("    due {} in the coming week", times(ticks.after.size()));
        if (!is_new && ticks.added.empty() && ticks.removed.empty()) {
            text += ", as before";
        } else if (!is_new) {
            text += fmt::format(", {} before: {} new, {} gone", ticks.before.size(),
                                ticks.added.size(), ticks.removed.size());
        } else if (!ticks.after.empty()) {
            text += fmt::format(", first at {}", to_rfc3339(ticks.after.front()));
        }
        talk_.session().out << text << '\n';
        if (!is_new) print_ticks(ticks);
    }

    // What goes and what comes, in the order of time, as far as both are shown.
    void print_ticks(const Ticks& ticks) {
        std::vector<std::pair<WallTime, char>> all;
        for (std::size_t i = 0; i < std::min(ticks.removed.size(), kShownTicks); ++i)
            all.emplace_back(ticks.removed[i], '-');
        for (std::size_t i = 0; i < std::min(ticks.added.size(), kShownTicks); ++i)
            all.emplace_back(ticks.added[i], '+');
        std::ranges::sort(all);
        for (const auto& [time, sign] : all)
            talk_.session().out << "      "
                                << tinted(sign == '+' ? "32" : "31",
                                          fmt::format("{} {}", sign, to_rfc3339(time)))
                                << '\n';
        const std::size_t more = ticks.removed.size() + ticks.added.size() - all.size();
        if (more > 0) talk_.session().out << fmt::format("      and {} more\n", more);
    }

    static std::string in_words(const json::value& value) {
        return value.is_null() ? "(none)" : json::serialize(value);
    }
    static std::string times(std::size_t count) {
        return count == 0 ? "never" : count == 1 ? "once" : fmt::format("{} times", count);
    }

    void print_summary() {
        if (talk_.options().format != Format::name)
            talk_.session().out << fmt::format("{} to create, {} to change, {} unchanged\n",
                                               created_, configured_, unchanged_);
    }

    Talk talk_;
    const JobApplyArgs& args_;
    const WallTime now_;
    json::array list_;
    std::size_t created_ = 0, configured_ = 0, unchanged_ = 0;
};

}  // namespace

int job_plan(const Options& options, const JobApplyArgs& args, Session& session) {
    return Plan(options, args, session).run();
}

}  // namespace khronos::cli
