// Lets etcd forget its history, which it keeps for ever otherwise: every interval the revision
// that was current one interval ago is compacted. Several agents may do it; the first one does.
// On the backend's loop.
#pragma once

#include <cstdint>

#include "runtime/log.h"
#include "runtime/loop.h"
#include "store/etcd/messages.h"
#include "store/etcd/router.h"

namespace khronos::store::etcd {

class Compactor {
  public:
    // An `interval` of 0: never.
    Compactor(runtime::Loop& loop, runtime::Log& log, const Messages& messages, Router& router,
              Duration interval, Duration call_deadline);
    ~Compactor();
    Compactor(const Compactor&) = delete;
    Compactor& operator=(const Compactor&) = delete;

    void start();
    std::uint64_t compactions() const { return compactions_; }

  private:
    void arm();
    void read_revision();
    void compact(Revision revision);

    runtime::Loop& loop_;
    runtime::Log& log_;
    const Messages& messages_;
    Router& router_;
    const Duration interval_;
    const Duration call_deadline_;
    Revision last_;  // seen one interval ago
    std::uint64_t compactions_ = 0;
    runtime::TimerId timer_;
};

}  // namespace khronos::store::etcd
