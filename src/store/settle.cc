#include "store/settle.h"

#include <algorithm>
#include <memory>

namespace khronos::store {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(100);
constexpr Duration kLongestPause = std::chrono::seconds(2);

struct Settling : std::enable_shared_from_this<Settling> {
    Settling(Store& s, runtime::Loop& l, SettleRequest r,
             std::move_only_function<void(WriteOutcome)> d)
        : store(s), loop(l), request(std::move(r)), done(std::move(d)) {}

    Store& store;
    runtime::Loop& loop;
    SettleRequest request;
    std::move_only_function<void(WriteOutcome)> done;
    bool was_unknown = false;  // an earlier sending may have been applied
    Duration pause = kFirstPause;

    void send() {
        store.write(request.txn, [self = shared_from_this()](WriteOutcome outcome) {
            self->on_outcome(std::move(outcome));
        });
    }

    void on_outcome(WriteOutcome outcome) {
        if (std::holds_alternative<Unknown>(outcome)) {
            was_unknown = true;
            later([](Settling& self) { self.look(false); });
            return;
        }
        if (std::holds_alternative<Conflict>(outcome) && was_unknown) {
            look(true);  // perhaps with ourselves
            return;
        }
        if (const auto* refused = std::get_if<Refused>(&outcome)) {
            const bool passing = refused->kind == RefusedKind::unreachable ||
                                 refused->kind == RefusedKind::no_space;
            // A refused sending says nothing of an earlier, unknown one.
            if (passing && (request.persist || was_unknown)) {
                later([](Settling& self) { self.send(); });
                return;
            }
        }
        done(std::move(outcome));
    }

    void look(bool after_conflict) {
        store.get(request.probe, [self = shared_from_this(), after_conflict](
                                     std::expected<GetResult, ReadError> result) {
            if (!result) {
                if (result.error().kind == RefusedKind::closed) {
                    self->done(Unknown{result.error().why});
                } else if (after_conflict) {
                    self->later([](Settling& again) { again.look(true); });
                } else {
                    self->later([](Settling& again) { again.look(false); });
                }
                return;
            }
            if (result->kv && self->request.is_mine(*result->kv)) {
                self->done(Applied{result->kv->mod_revision});
                return;
            }
            if (after_conflict) return self->done(Conflict{result->revision});
            // Not there (yet). Sent again it is applied at most once, by its compares; if the
            // first sending arrives late, the second one conflicts and we look again.
            self->send();
        });
    }

    void later(void (*action)(Settling&)) {
        loop.call_after(pause, [self = shared_from_this(), action] { action(*self); });
        pause = std::min(pause * 2, kLongestPause);
    }
};

}  // namespace

void settle(Store& store, runtime::Loop& loop, SettleRequest request,
            std::move_only_function<void(WriteOutcome)> done) {
    std::make_shared<Settling>(store, loop, std::move(request), std::move(done))->send();
}

}  // namespace khronos::store
