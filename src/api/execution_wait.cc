#include "api/execution_wait.h"

#include <memory>

#include "api/execution_read.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

using core::Execution;

class Waiter : public std::enable_shared_from_this<Waiter> {
  public:
    Waiter(Services& services, const core::ExecutionId& id, Done<std::optional<Execution>> done)
        : services_(services), key_(store::keys::execution(id)), done_(std::move(done)) {}

    void begin(Duration patience) {
        timer_ = services_.loop.call_after(patience, [self = shared_from_this()] {
            self->timer_.reset();
            self->finish();
        });
        look_up();
    }

  private:
    void look_up() {
        services_.store.get(key_, [self = shared_from_this()](auto result) {
            if (!self->done_) return;
            if (!result) return self->fail(store_error(result.error()));
            if (result->kv) self->learn(result->kv->value.view());
            if (self->done_) self->watch(result->revision);
        });
    }
    void watch(Revision after) {
        watch_ = services_.store.watch(
            key_, key_ + '\0', after, [self = shared_from_this()](store::WatchUpdate update) {
                if (!self->done_) return;
                if (std::holds_alternative<store::WatchLost>(update)) {
                    self->watch_.reset();
                    return self->look_up();
                }
                for (const auto& change : std::get<store::WatchBatch>(update).events)
                    if (self->done_ && !change.deleted) self->learn(change.kv.value.view());
            });
    }
    void learn(std::string_view record) {
        auto execution = store::decode<Execution>(record);
        if (!execution) return;
        seen_ = std::move(*execution);
        if (!core::is_open(seen_->state)) finish();
    }
    void finish() { end(std::move(seen_)); }
    void fail(Error error) { end(std::unexpected(std::move(error))); }
    void end(std::expected<std::optional<Execution>, Error> result) {
        const auto self = shared_from_this();
        if (watch_) services_.store.unwatch(*watch_);
        if (timer_) services_.loop.cancel(*timer_);
        if (done_) std::exchange(done_, nullptr)(std::move(result));
    }

    Services& services_;
    const std::string key_;
    Done<std::optional<Execution>> done_;
    std::optional<Execution> seen_;
    std::optional<store::WatchId> watch_;
    std::optional<runtime::TimerId> timer_;
};

}  // namespace

void wait_for_end(Services& services, const core::ExecutionId& id, Duration patience,
                  Done<std::optional<Execution>> done) {
    std::make_shared<Waiter>(services, id, std::move(done))->begin(patience);
}

}  // namespace khronos::api
