#include "store/metered_store.h"

#include <chrono>

namespace khronos::store {
namespace {

constexpr const char* kErrors = "khronos_store_errors_total";
constexpr const char* kErrorsHelp =
    "Answers of the store other than success. A conflict is a compare that did not hold, and part "
    "of normal work.";

}  // namespace

MeteredStore::MeteredStore(Store& inner, runtime::Loop& loop, runtime::Metrics& metrics)
    : inner_(inner),
      loop_(loop),
      txn_seconds_(metrics.histogram("khronos_store_txn_seconds",
                                     "From a transaction's sending to its durable outcome.",
                                     runtime::kLatencyBounds)),
      conflicts_(metrics.counter(kErrors, kErrorsHelp, {{"kind", "conflict"}})),
      unknown_(metrics.counter(kErrors, kErrorsHelp, {{"kind", "unknown"}})),
      refused_(metrics.counter(kErrors, kErrorsHelp, {{"kind", "refused"}})),
      read_errors_(metrics.counter(kErrors, kErrorsHelp, {{"kind", "read"}})),
      watches_lost_(metrics.counter(kErrors, kErrorsHelp, {{"kind", "watch_lost"}})) {}

void MeteredStore::write(Txn txn, std::move_only_function<void(WriteOutcome)> done) {
    inner_.write(std::move(txn), [this, begin = loop_.mono_now(),
                                  done = std::move(done)](WriteOutcome outcome) mutable {
        txn_seconds_.observe(
            std::chrono::duration<double>(loop_.mono_now() - begin).count());
        if (std::holds_alternative<Conflict>(outcome)) conflicts_.add();
        if (std::holds_alternative<Unknown>(outcome)) unknown_.add();
        if (std::holds_alternative<Refused>(outcome)) refused_.add();
        done(std::move(outcome));
    });
}

void MeteredStore::get(std::string key,
                       std::move_only_function<void(std::expected<GetResult, ReadError>)> done) {
    inner_.get(std::move(key), [this, done = std::move(done)](auto result) mutable {
        if (!result) read_errors_.add();
        done(std::move(result));
    });
}

void MeteredStore::range(
    RangeRequest request,
    std::move_only_function<void(std::expected<RangeResult, ReadError>)> done) {
    inner_.range(std::move(request), [this, done = std::move(done)](auto result) mutable {
        if (!result) read_errors_.add();
        done(std::move(result));
    });
}

WatchId MeteredStore::watch(std::string begin, std::string end, Revision after,
                            std::move_only_function<void(WatchUpdate)> on_update) {
    return inner_.watch(std::move(begin), std::move(end), after,
                        [this, on_update = std::move(on_update)](WatchUpdate update) mutable {
                            if (std::holds_alternative<WatchLost>(update)) watches_lost_.add();
                            on_update(std::move(update));
                        });
}

}  // namespace khronos::store
