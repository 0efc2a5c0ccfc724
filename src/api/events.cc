#include "api/events.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>

#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;

constexpr Duration kBeatEvery = std::chrono::seconds(5);
// Every so many beats a comment goes out, so that proxies and clients see life.
constexpr int kBeatsBetweenComments = 3;

std::string frame_with_id(std::string_view name, const json::value& data, Revision revision) {
    return fmt::format("{}id: {}\n\n", event_frame(name, data), revision.value);
}

}  // namespace

EventHub::~EventHub() {
    *alive_ = false;
    if (watching_) services_.store.unwatch(watch_);
    for (auto& [id, listener] : readers_)
        if (listener.place == Place::behind) services_.store.unwatch(listener.watch);
    if (beat_) services_.loop.cancel(*beat_);
}

void EventHub::add(Reader reader) {
    const ReaderId id = ++last_;
    Listener& listener = readers_[id];
    listener.reader = std::move(reader);
    listener.reader.stream.on_closed([this, id, alive = alive_] {
        if (*alive) drop(id);
    });
    if (!beat_) beat();
    arrive(id, "");
}

// The store's revision now: what the reader begins with, or what its past is judged by. Nothing
// but the revision is wanted of the key. `lost`: why it has to begin again; empty where it is new.
void EventHub::arrive(ReaderId id, std::string lost) {
    readers_.at(id).place = Place::arriving;
    services_.store.get(std::string(store::keys::kMeta), [this, id, lost = std::move(lost),
                                                          alive = alive_](auto result) {
        if (!*alive || !readers_.contains(id)) return;
        if (result) return begin(id, result->revision, lost);
        const std::string why = "the store does not answer: " + result.error().why;
        if (write(id, frame_with_id("reset", json::object{{"why", why}}, Revision(0)))) drop(id);
    });
}

void EventHub::begin(ReaderId id, Revision now, std::string_view lost) {
    Listener& listener = readers_.at(id);
    const auto& agent = services_.agent;
    std::string why(lost);
    listener.reached = now;
    if (why.empty()) {
        if (const auto after = listener.reader.after) {
            if (*after > now)
                why = "the store has not come as far as that revision: it was restored";
            else
                listener.reached = *after;
        }
        const json::object hello{{"node", agent.node},
                                 {"version", agent.version},
                                 {"cluster_id", agent.cluster_id},
                                 {"revision", listener.reached.value}};
        if (!write(id, frame_with_id("hello", hello, listener.reached))) return;
    }
    if (!why.empty()) {
        const json::object reset{{"why", why}, {"revision", now.value}};
        if (!write(id, frame_with_id("reset", reset, now))) return;
    }
    if (!watching_) watch_from(now);
    // The hub's watch may have gone on meanwhile.
    if (listener.reached >= reached_)
        listener.place = Place::live;
    else
        catch_up(id);
}

void EventHub::catch_up(ReaderId id) {
    Listener& listener = readers_.at(id);
    listener.place = Place::behind;
    listener.watch = services_.store.watch(
        std::string(watched_begin()), watched_end(), listener.reached,
        [this, id](store::WatchUpdate update) { on_own_update(id, std::move(update)); });
}

void EventHub::on_own_update(ReaderId id, store::WatchUpdate update) {
    Listener& listener = readers_.at(id);
    if (auto* lost = std::get_if<store::WatchLost>(&update))
        return arrive(id, "what happened since is not known any more: " + lost->why);
    const auto& batch = std::get<store::WatchBatch>(update);
    if (!tell(id, events_of(services_, batch.events, listener.reader.filter.kinds), batch.revision))
        return;
    if (!watching_) watch_from(listener.reached);
    if (listener.reached < reached_) return;
    services_.store.unwatch(listener.watch);
    listener.place = Place::live;
}

bool EventHub::tell(ReaderId id, const EventBatch& batch, Revision revision) {
    Listener& listener = readers_.at(id);
    std::string text = text_of(batch, listener.reader.filter, listener.reached);
    if (!text.empty() && !write(id, std::move(text))) return false;
    listener.reached = std::max(listener.reached, revision);
    return true;
}

bool EventHub::write(ReaderId id, std::string text) {
    Listener& listener = readers_.at(id);
    switch (listener.reader.stream.write(std::move(text))) {
        case Exchange::Write::accepted:
            return true;
        case Exchange::Write::closed:
            drop(id);
            return false;
        case Exchange::Write::full:
            break;
    }
    if (listener.place == Place::behind) services_.store.unwatch(listener.watch);
    listener.place = Place::blocked;
    listener.reader.stream.on_drained([this, id, alive = alive_] {
        if (!*alive) return;
        const auto found = readers_.find(id);
        if (found != readers_.end() && found->second.place == Place::blocked) catch_up(id);
    });
    return false;
}

void EventHub::drop(ReaderId id) {
    const auto found = readers_.find(id);
    if (found == readers_.end()) return;
    if (found->second.place == Place::behind) services_.store.unwatch(found->second.watch);
    readers_.erase(found);
    if (!readers_.empty() || !watching_) return;
    services_.store.unwatch(watch_);
    watching_ = false;
}

// ---- the hub's watch

void EventHub::watch_from(Revision revision) {
    watching_ = true;
    reached_ = revision;
    watch_ =
        services_.store.watch(std::string(watched_begin()), watched_end(), revision,
                              [this](store::WatchUpdate update) { on_update(std::move(update)); });
}

void EventHub::on_update(store::WatchUpdate update) {
    std::vector<ReaderId> live;
    std::uint32_t wanted = 0;
    for (const auto& [id, listener] : readers_) {
        if (listener.place != Place::live) continue;
        live.push_back(id);
        wanted |= listener.reader.filter.kinds;
    }
    if (std::holds_alternative<store::WatchLost>(update)) {
        // Each goes on from where it was with a watch of its own, if that is possible; the next
        // that arrives starts the hub's again.
        watching_ = false;
        for (const ReaderId id : live)
            catch_up(id);
        return;
    }
    const auto& batch = std::get<store::WatchBatch>(update);
    reached_ = std::max(reached_, batch.revision);
    if (live.empty()) return;
    const EventBatch events = events_of(services_, batch.events, wanted);
    for (const ReaderId id : live)
        if (readers_.contains(id)) tell(id, events, batch.revision);
}

// An id without data moves a client's place on without an event.
void EventHub::beat() {
    if (readers_.empty() && beat_) {
        beat_.reset();
        return;
    }
    ++beats_;
    std::vector<ReaderId> gone;
    for (auto& [id, listener] : readers_)
        if (listener.reader.allowed && !listener.reader.allowed()) gone.push_back(id);
    for (const ReaderId id : gone)
        drop(id);
    if (beats_ % kBeatsBetweenComments == 0) {
        std::vector<ReaderId> idle;
        for (const auto& [id, listener] : readers_)
            if (listener.place == Place::live || listener.place == Place::behind)
                idle.push_back(id);
        for (const ReaderId id : idle) {
            const Listener& listener = readers_.at(id);
            write(id, fmt::format(":\nid: {}\n\n", listener.reached.value));
        }
    }
    beat_ = services_.loop.call_after(kBeatEvery, [this] { beat(); });
}

}  // namespace khronos::api
