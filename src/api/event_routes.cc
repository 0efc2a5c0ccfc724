// GET /v1/events: the changes as text/event-stream.
#include <charconv>

#include "api/event_text.h"
#include "api/events.h"
#include "api/reply.h"
#include "api/routes.h"

namespace khronos::api {
namespace {

// What a client has seen: the header that browsers send when they come again, or the parameter.
std::expected<std::optional<Revision>, Error> last_event_of(const Call& call) {
    std::string_view text = call.request.headers.find("Last-Event-ID").value_or("");
    if (text.empty()) text = call.query.get("last_event_id").value_or("");
    if (text.empty()) return std::nullopt;
    std::uint64_t revision = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::unexpected(invalid("Last-Event-ID", "is none that an event had"));
    return Revision(revision);
}

void events(Context& context, const Call& call, Responder responder) {
    Reply reply(call, std::move(responder));
    auto filter = event_filter_of(call.query);
    if (!filter) return reply.problem(filter.error());
    const auto after = last_event_of(call);
    if (!after) return reply.problem(after.error());
    if (context.events.full())
        return reply.problem({ErrorKind::busy, "", "too many readers follow the events already"});
    Stream stream = reply.begin_stream(event_stream_head());
    context.events.add({std::move(stream), std::move(*filter), *after, call.still_allowed});
}

}  // namespace

void add_event_routes(std::vector<Route>& routes, Context& context) {
    routes.emplace_back(Method::get, "/v1/events", Permission::viewer, "events",
                        [&context](const Call& call, Responder responder) {
                            events(context, call, std::move(responder));
                        });
}

}  // namespace khronos::api
