// The thread that reads, on a connection of its own: it sees what is committed and synced, and
// does not wait for the writer.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "store/embedded/database.h"
#include "store/embedded/health.h"
#include "store/embedded/mailbox.h"

namespace khronos::store::embedded {

struct GetRequest {
    std::string key;
};
struct StatusRequest {};
struct ReadJob {
    std::shared_ptr<Mailbox> from;
    std::uint64_t request;
    std::variant<GetRequest, RangeRequest, StatusRequest> what;
};

class Reader {
  public:
    struct Limits {
        std::size_t waiting_reads = 20'000;
        std::size_t snapshot_reads = 64;  // answered from one view of the store
    };

    // `status` fills in what the reader does not know; called on the reader's thread.
    Reader(Limits limits, const std::string& file, const Connection::Options& options,
           Health& health, std::function<StoreStatus()> status);
    ~Reader();  // after everything that waits is answered

    // Any thread. False: too much is waiting.
    bool enqueue(ReadJob job);

  private:
    void run();
    std::vector<ReadJob> take();  // empty: stop
    void answer(std::vector<ReadJob> jobs);
    std::expected<GetResult, ReadError> get(const GetRequest& request, Revision revision);
    std::expected<RangeResult, ReadError> range(const RangeRequest& request, Revision revision);
    void fail(const ReadJob& job, const std::string& why);

    const Limits limits_;
    Health& health_;
    std::function<StoreStatus()> status_;
    Connection connection_;
    StateTable state_table_;
    Statement begin_, end_;
    Statement get_, ascending_, descending_, keys_ascending_, keys_descending_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<ReadJob> waiting_;
    bool stopping_ = false;
    std::jthread thread_;
};

}  // namespace khronos::store::embedded
