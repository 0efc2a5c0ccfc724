// Lets etcd forget its history, which it keeps for ever otherwise: every interval the revision
// that was current one interval ago is compacted. Several agents may do it; the first one does.
// Not where others have keys in the same etcd: its history is theirs, too. Keys that we have no
// right to look at count as others'. On the backend's loop.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/log.h"
#include "runtime/loop.h"
#include "store/etcd/messages.h"
#include "store/etcd/router.h"

namespace khronos::store::etcd {

class Compactor {
  public:
    struct Config {
        Duration interval;  // 0: never
        bool shared;        // also where others have keys
        Duration call_deadline;
    };
    Compactor(runtime::Loop& loop, runtime::Log& log, const Messages& messages, Router& router,
              Config config);
    ~Compactor();
    Compactor(const Compactor&) = delete;
    Compactor& operator=(const Compactor&) = delete;

    void start();
    std::uint64_t compactions() const { return compactions_; }

  private:
    void arm();
    void read_revision();
    void look_for_others(Revision revision);
    void leave_to_others(std::string_view why);
    void compact(Revision revision);

    runtime::Loop& loop_;
    runtime::Log& log_;
    const Messages& messages_;
    Router& router_;
    const Config config_;
    bool said_so_ = false;
    Revision last_;  // seen one interval ago
    std::uint64_t compactions_ = 0;
    runtime::TimerId timer_;
};

}  // namespace khronos::store::etcd
