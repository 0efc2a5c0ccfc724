// Days: how many runs ended how, and how many are to come.
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>

#include "api/calendar.h"
#include "api/paging.h"
#include "api/reply.h"
#include "api/routes.h"
#include "cluster/day_counts.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

constexpr Duration kDay = std::chrono::hours(24);
constexpr int kDaysMost = 366;

// Dkron's: the last `days` days, today included.
void stats(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    constexpr int kDays = 30, kMost = 365;
    int days = static_cast<int>(number_of(call.query, "days", 0, kMost, kDays));
    if (days == 0) days = kDays;
    const WallTime first = day_of(context.services.loop.wall_now()) - kDay * (days - 1);
    cluster::read_day_counts(context.services.store, first, days, [reply](auto counts) {
        if (!counts) return reply->refuse(counts.error());
        json::array list;
        for (const cluster::DayCount& count : *counts)
            list.push_back(
                json::object{{"date", to_rfc3339(count.day)},
                             {"success_count", count.succeeded},
                             {"failed_count", count.failed + count.timed_out + count.lost}});
        reply->json(200, json::object{{"stats", std::move(list)}});
    });
}

// `2026-01-28` or an RFC 3339 time.
std::expected<WallTime, Error> time_of(const QueryParameters& query, std::string_view key,
                                       WallTime otherwise) {
    const std::string text(query.get(key).value_or(""));
    if (text.empty()) return otherwise;
    const auto time = parse_rfc3339(text.size() == 10 ? text + "T00:00:00Z" : text);
    if (!time) return std::unexpected(invalid(std::string(key), time.error()));
    return *time;
}

struct Range {
    WallTime from;
    WallTime to;
};
std::expected<Range, Error> range_of(const QueryParameters& query, WallTime now) {
    const auto from = time_of(query, "from", day_of(now) - kDay * 30);
    if (!from) return std::unexpected(from.error());
    auto to = time_of(query, "to", day_of(now) + kDay * 7);
    if (!to) return std::unexpected(to.error());
    if (*to < *from) return std::unexpected(invalid("to", "is before `from`"));
    if (*to - *from > kDay * kDaysMost)
        return std::unexpected(
            invalid("to", fmt::format("at most {} days are shown at once", kDaysMost)));
    return Range{day_of(*from), day_of(*to) + kDay - 1us};
}

void answer(Reply& reply, Range range, const std::vector<cluster::DayCount>& past,
            const std::vector<ForecastDay>& future) {
    json::array days;
    for (const cluster::DayCount& count : past) {
        json::object row{{"date", to_rfc3339(count.day).substr(0, 10)},
                         {"succeeded", count.succeeded},
                         {"failed", count.failed},
                         {"timed_out", count.timed_out},
                         {"cancelled", count.cancelled},
                         {"lost", count.lost}};
        std::uint64_t ticks = 0;
        bool estimated = false;
        for (const ForecastDay& day : future)
            if (day.day == count.day) {
                ticks = day.ticks;
                estimated = day.estimated;
            }
        row.emplace("scheduled", ticks);
        row.emplace("estimated", estimated);
        days.push_back(std::move(row));
    }
    reply.json(200, json::object{{"from", to_rfc3339(range.from)},
                                 {"to", to_rfc3339(range.to)},
                                 {"days", std::move(days)}});
}

void calendar(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const WallTime now = context.services.loop.wall_now();
    const auto range = range_of(call.query, now);
    if (!range) return reply->problem(range.error());
    const auto days = static_cast<int>((range->to - range->from) / kDay) + 1;
    cluster::read_day_counts(
        context.services.store, range->from, days,
        [&context, reply, range = *range, now](auto past) {
            if (!past) return reply->problem(past.error());
            if (range.to <= now) return answer(*reply, range, *past, {});
            const WallTime from = std::max(now, range.from - 1us);
            forecast(context.services.catalog, context.services.loop, from, range.to,
                     [reply, range, past = std::move(*past)](const auto& future) {
                         answer(*reply, range, past, future);
                     });
        });
}

}  // namespace

void add_calendar_routes(std::vector<Route>& routes, Context& context) {
    const auto add = [&](Method method, std::string_view path, std::string_view id, auto handler) {
        routes.emplace_back(method, path, Permission::viewer, id,
                            [&context, handler](const Call& call, Responder r) {
                                handler(context, call, std::move(r));
                            });
    };
    add(Method::get, "/v1/stats", "getStats", stats);
    add(Method::get, "/v1/calendar", "calendar", calendar);
}

}  // namespace khronos::api
