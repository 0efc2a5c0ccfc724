#include "api/history_erase.h"

#include <memory>

#include "api/execution_read.h"
#include "base/limits.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/txns.h"

namespace khronos::api {
namespace {

namespace keys = store::keys;

class Eraser : public std::enable_shared_from_this<Eraser> {
  public:
    Eraser(Services& services, std::string job_name, JobUid uid, Done<void> done)
        : services_(services),
          job_name_(std::move(job_name)),
          uid_(uid),
          done_(std::move(done)),
          begin_(keys::executions_of(uid)),
          end_(store::prefix_end(begin_)) {}

    void begin() {
        services_.store.get(keys::shard_cursor(shard_of(job_name_)),
                            [self = shared_from_this()](auto result) {
                                if (!result) return self->fail(store_error(result.error()));
                                if (result->kv) self->read_cursor(result->kv->value.view());
                                self->read_page();
                            });
    }

  private:
    static constexpr int kTries = 10;

    void fail(Error error) { done_(std::unexpected(std::move(error))); }

    void read_cursor(std::string_view bytes) {
        if (const auto cursor = store::decode<core::Cursor>(bytes))
            decided_ = cursor->decided_up_to(uid_);
    }

    void read_page() {
        store::RangeRequest request;
        request.begin = begin_;
        request.end = end_;
        request.limit = limits::kTxnOperations;
        services_.store.range(std::move(request), [self = shared_from_this()](auto result) {
            if (!result) return self->fail(store_error(result.error()));
            self->erase_page(std::move(*result));
        });
    }

    void erase_page(store::RangeResult page) {
        std::vector<core::ExecutionId> ended;
        for (const store::KeyValue& kv : page.kvs) {
            const auto execution = store::decode<core::Execution>(kv.value.view());
            if (!execution || core::is_open(execution->state)) continue;
            // Only a tick is decided again where the cursor has not passed it; the cursor of a
            // shard that is idle does not move for what was asked for by hand.
            const bool is_tick = execution->id.trigger.kind == core::TriggerKind::tick;
            if (is_tick && execution->scheduled_at > decided_) continue;
            ended.push_back(execution->id);
        }
        if (page.more) begin_ = page.kvs.back().key + '\0';
        if (ended.empty()) return go_on(page.more);
        // An execution that is not open never changes again: nothing to compare.
        services_.store.write(store::txns::forget(ended),
                              [self = shared_from_this(), more = page.more](auto outcome) {
                                  if (std::holds_alternative<store::Applied>(outcome))
                                      return self->go_on(more);
                                  self->fail({ErrorKind::unavailable, "",
                                              "the store did not confirm that it forgot them"});
                              });
    }

    void go_on(bool more) {
        if (more)
            read_page();
        else
            reset_stats();
    }

    // Compared, so that a run which ends now is counted from zero and not lost.
    void reset_stats() {
        if (++tries_ > kTries)
            return fail({ErrorKind::busy, "", "runs kept ending meanwhile; try again"});
        services_.store.get(keys::stats(uid_), [self = shared_from_this()](auto result) {
            if (!result) return self->fail(store_error(result.error()));
            if (!result->kv) return self->done_({});
            const std::string key = keys::stats(self->uid_);
            store::Txn txn;
            txn.compares.push_back(
                {key, store::Compare::Target::mod_revision, result->kv->mod_revision});
            txn.operations.push_back(store::Put{key, store::encode(core::JobStats{}), {}});
            self->services_.store.write(std::move(txn), [self](auto outcome) {
                if (std::holds_alternative<store::Applied>(outcome)) return self->done_({});
                if (std::holds_alternative<store::Refused>(outcome))
                    return self->fail({ErrorKind::unavailable, "", "the store refused the write"});
                self->reset_stats();
            });
        });
    }

    Services& services_;
    std::string job_name_;
    JobUid uid_;
    Done<void> done_;
    std::string begin_, end_;
    WallTime decided_;
    int tries_ = 0;
};

}  // namespace

void erase_history(Services& services, std::string job_name, JobUid uid, Done<void> done) {
    std::make_shared<Eraser>(services, std::move(job_name), uid, std::move(done))->begin();
}

}  // namespace khronos::api
