// The way from the backend's threads to one handle's loop: one task is posted for any number of
// answers and events, and nothing is posted once the handle is gone.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "runtime/loop.h"
#include "store/embedded/committer.h"
#include "store/store.h"

namespace khronos::store::embedded {

// The events of one commit, shared by all watchers.
struct Chunk {
    std::vector<WatchEvent> events;     // in order
    std::vector<std::uint32_t> by_key;  // indices into `events`, sorted by key
    Revision last;                      // the revision of the last event
    std::size_t bytes = 0;

    explicit Chunk(std::vector<WatchEvent> of_commit);
    bool touches(std::string_view begin, std::string_view end) const;
};

struct Reply {
    std::uint64_t request;
    std::variant<WriteOutcome, std::expected<LeaseId, ReadError>, std::expected<void, ReadError>,
                 LeasesChecked, std::expected<GetResult, ReadError>,
                 std::expected<RangeResult, ReadError>, StoreStatus>
        result;
};
struct WatchNews {
    WatchId watch;
    std::shared_ptr<const Chunk> chunk;
};
struct WatchEnd {
    WatchId watch;
    std::string why;
};
// The handle that had the timer for the leases is gone: this one takes over.
struct MindLeases {};
using Mail = std::variant<Reply, WatchNews, WatchEnd, MindLeases>;

class MailReader {
  public:
    virtual ~MailReader() = default;
    virtual void read(Mail mail) = 0;
};

class Mailbox : public std::enable_shared_from_this<Mailbox> {
  public:
    Mailbox(MailReader& reader, runtime::Loop& loop) : reader_(&reader), loop_(&loop) {}

    // On the loop. Nothing is delivered, and nothing posted, after it returns.
    void close();

    // Any thread. Mail to a closed box is dropped.
    void send(Mail mail);
    void send(std::vector<Mail> mail);
    // Bytes of events that wait to be read.
    std::size_t waiting_bytes() const;

  private:
    void post_locked();
    void deliver();

    MailReader* reader_;  // on the loop only
    mutable std::mutex mutex_;
    runtime::Loop* loop_;  // nullptr: closed
    std::vector<Mail> mail_;
    std::size_t waiting_bytes_ = 0;
    bool posted_ = false;
};

}  // namespace khronos::store::embedded
