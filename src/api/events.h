// The stream of changes: GET /v1/events. One watch of the store feeds all its readers.
//
// Invariants:
// - A reader is told every change after the revision that it begins with, in order, or `reset`.
// - Events of one revision go out together; the last of them carries the revision as its id, so
//   that going on behind an id leaves nothing out.
// - Nothing is kept for a reader but what the connection's buffer holds. One that reads too slowly
//   gets what follows from a watch of its own, once it has caught up with its buffer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/event_text.h"
#include "api/http_types.h"
#include "api/services.h"
#include "base/limits.h"
#include "store/store.h"

namespace khronos::api {

class EventHub {
  public:
    explicit EventHub(Services& services) : services_(services) {}
    ~EventHub();
    EventHub(const EventHub&) = delete;
    EventHub& operator=(const EventHub&) = delete;

    struct Reader {
        Stream stream;
        EventFilter filter;
        std::optional<Revision> after;  // Last-Event-ID
        // Asked now and then: may this reader still read? Empty: it may.
        std::function<bool()> allowed = {};
    };
    bool full() const { return readers_.size() >= limits::kEventReaders; }
    // The head of the stream has been sent.
    void add(Reader reader);
    std::size_t readers() const { return readers_.size(); }

  private:
    using ReaderId = std::uint64_t;
    enum class Place : std::uint8_t {
        arriving,  // the store's revision is being read
        live,      // gets what the hub's watch brings
        behind,    // has a watch of its own
        blocked,   // waits for its buffer to empty; then `behind`
    };
    struct Listener {
        Reader reader;
        Place place = Place::arriving;
        Revision reached;  // everything up to here was sent
        store::WatchId watch;
    };

    void arrive(ReaderId id, std::string lost);
    void begin(ReaderId id, Revision now, std::string_view lost);
    void catch_up(ReaderId id);
    void on_own_update(ReaderId id, store::WatchUpdate update);
    // False: it is gone or blocked.
    bool tell(ReaderId id, const EventBatch& batch, Revision revision);
    bool write(ReaderId id, std::string text);
    void drop(ReaderId id);

    void watch_from(Revision revision);
    void on_update(store::WatchUpdate update);
    void beat();

    Services& services_;
    std::map<ReaderId, Listener> readers_;
    ReaderId last_ = 0;
    bool watching_ = false;
    store::WatchId watch_;
    Revision reached_;  // by the hub's watch
    std::optional<runtime::TimerId> beat_;
    std::uint64_t beats_ = 0;
    // What is posted finds out whether the hub is still there.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace khronos::api
