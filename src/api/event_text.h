// Changes of the store as events: which there are, and what they look like on the wire.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "api/query.h"
#include "api/services.h"
#include "store/store.h"

namespace khronos::api {

enum class EventKind : std::uint8_t { job, execution, agent, worker, shard, settings };

// `?kinds=job,execution` and `?job=NAME`; without them, everything.
struct EventFilter {
    std::uint32_t kinds = ~0U;  // a bit each
    std::string job;            // with it, only what belongs to this job

    bool wants(EventKind kind) const { return (kinds >> static_cast<unsigned>(kind) & 1U) != 0; }
};
std::expected<EventFilter, Error> event_filter_of(const QueryParameters& query);

// 200, text/event-stream, and how soon a client comes again.
HttpResponse event_stream_head();
// `event: NAME\ndata: ...\n`, without the empty line that ends an event.
std::string event_frame(std::string_view name, const boost::json::value& data);

struct EventItem {
    Revision revision;
    EventKind kind;
    std::string job;  // whose; empty: of none
    std::string frame;
};
// In the order of their revisions.
using EventBatch = std::vector<EventItem>;

// What is watched: [begin, end) of the store's keys.
std::string_view watched_begin();
std::string watched_end();

// Looks at `wanted` kinds only. What cannot be read is left out.
EventBatch events_of(Services& services, const std::vector<store::WatchEvent>& changes,
                     std::uint32_t wanted);

// The items with a revision above `after` that the filter lets through, as one text; ids are
// set. Empty when there is none.
std::string text_of(const EventBatch& batch, const EventFilter& filter, Revision after);

}  // namespace khronos::api
