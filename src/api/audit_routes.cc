// GET /v1/audit: who changed what, newest first.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <memory>

#include "api/execution_read.h"
#include "api/json_text.h"
#include "api/paging.h"
#include "api/reply.h"
#include "api/routes.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
namespace keys = store::keys;

constexpr std::size_t kRowsRead = 2000;

struct Filter {
    std::string actor;
    std::string action;
    std::string object;
    std::size_t limit = 100;

    static bool fits(const json::object& entry, std::string_view key, std::string_view wanted) {
        if (wanted.empty()) return true;
        const auto* value = entry.if_contains(key);
        return value && value->is_string() && std::string_view(value->as_string()) == wanted;
    }
    bool fits(const json::object& entry) const {
        return fits(entry, "actor", actor) && fits(entry, "action", action) &&
               fits(entry, "object", object);
    }
};

std::expected<WallTime, Error> time_of(const QueryParameters& query, std::string_view key,
                                       WallTime otherwise) {
    const std::string_view text = query.get(key).value_or("");
    if (text.empty()) return otherwise;
    const auto time = parse_rfc3339(text);
    if (!time) return std::unexpected(invalid(std::string(key), time.error()));
    return *time;
}

void list(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    const auto since = time_of(call.query, "since", WallTime::from_seconds(0));
    if (!since) return reply->problem(since.error());
    const auto until = time_of(call.query, "until", WallTime{});
    if (!until) return reply->problem(until.error());
    Filter filter{std::string(call.query.get("actor").value_or("")),
                  std::string(call.query.get("action").value_or("")),
                  std::string(call.query.get("object").value_or("")),
                  number_of(call.query, "limit", 1, 1000, 100)};
    store::RangeRequest request;
    request.begin = keys::audit(std::max(*since, WallTime::from_seconds(0)), 0);
    request.end = until->is_set() ? keys::audit(*until, 0) : store::prefix_end(keys::kAudit);
    const std::string_view cursor = call.query.get("cursor").value_or("");
    if (!cursor.empty())
        request.end = std::min(request.end, std::string(keys::kAudit) + std::string(cursor));
    request.end = std::max(request.end, request.begin);
    request.limit = kRowsRead;
    request.descending = true;
    context.services.store.range(std::move(request), [reply, filter](auto result) {
        if (!result) return reply->problem(store_error(result.error()));
        json::array entries;
        bool more = result->more;
        std::string last;
        for (const store::KeyValue& kv : result->kvs) {
            if (entries.size() == filter.limit) {
                more = true;
                break;
            }
            last = kv.key.substr(keys::kAudit.size());
            auto entry = parse_json(kv.value.view());
            if (entry && entry->is_object() && filter.fits(entry->as_object()))
                entries.push_back(std::move(*entry));
        }
        reply->json(200, json::object{{"entries", std::move(entries)},
                                      {"next_cursor", more ? json::value(json::string(last))
                                                           : json::value(nullptr)}});
    });
}

}  // namespace

void add_audit_routes(std::vector<Route>& routes, Context& context) {
    routes.emplace_back(Method::get, "/v1/audit", Permission::admin, "audit",
                        [&context](const Call& call, Responder responder) {
                            list(context, call, std::move(responder));
                        });
}

}  // namespace khronos::api
