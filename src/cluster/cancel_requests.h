// Cancelling an execution from any agent: the wish is a key in the store, carried out by the owner
// of the execution's shard, whoever that is by then.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "core/model/execution.h"
#include "runtime/loop.h"
#include "store/mirror.h"
#include "store/store.h"

namespace khronos::cluster {

// Durable when `done` says so; that the run has ended is another matter. Errors: not_found;
// conflict (it is not open any more); unavailable.
void ask_to_cancel(store::Store& store, const core::ExecutionId& id, std::string by,
                   std::move_only_function<void(std::expected<void, Error>)> done);

// The owner's side; on the dispatcher's loop.
class CancelRequests {
  public:
    struct Config {
        Duration relist_every = std::chrono::seconds(60);
    };
    struct Actions {
        // Whether what this shard has open is known here: it is ours, and loaded.
        std::move_only_function<bool(ShardId)> is_ours;
        // False: there is no such open execution. `by` asked for it.
        std::move_only_function<void(const core::ExecutionId&, const std::string& by,
                                     std::move_only_function<void(bool known)>)>
            cancel;
    };
    CancelRequests(store::Store& store, runtime::Loop& loop, Config config, Actions actions);
    ~CancelRequests();

    void start();
    void stop();
    // A shard is ours and loaded: what was asked for it before is done now.
    void shard_loaded(ShardId shard);
    void ended(ShardId shard, const core::ExecutionId& id);

  private:
    struct Wish {
        ShardId shard;
        std::string by;
    };
    store::Mirror::Listener listener();
    void carry_out(const core::ExecutionId& id, const Wish& wish);
    void forget(ShardId shard, const core::ExecutionId& id);

    store::Store& store_;
    Actions actions_;
    std::map<core::ExecutionId, Wish> wishes_;
    store::Mirror mirror_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace khronos::cluster
