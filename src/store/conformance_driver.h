// What the conformance tests stand on: a backend under test, and calls that wait for their answer.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "runtime/manual_loop.h"
#include "store/store.h"

namespace khronos::store::conformance {

// One backend with an empty store. A backend is added by implementing this and instantiating the
// suite (see conformance.h).
class Backend {
  public:
    virtual ~Backend() = default;
    // A new handle on `loop`; destroyed before the backend.
    virtual std::unique_ptr<Store> open(runtime::ManualLoop& loop) = 0;
    // Turns `loop` until `done()`: a backend with threads waits for them (ManualLoop::run_until),
    // one without fails the test where the loop runs dry.
    virtual void turn(runtime::ManualLoop& loop, const std::function<bool()>& done) = 0;
    // Lets leases of `ttl` run out, if nobody keeps them alive. Virtual where it can be.
    virtual void let_time_pass(runtime::ManualLoop& loop, Duration ttl) = 0;
    // Forgets events up to `revision`; false if the backend cannot be told to.
    virtual bool compact(Revision revision) = 0;
};

// Makes a fresh backend; the loop is the test's and outlives it.
struct Factory {
    std::string name;  // of the instance: letters and digits
    std::function<std::unique_ptr<Backend>(runtime::ManualLoop&)> make;
};

inline void PrintTo(const Factory& factory, std::ostream* out) {
    *out << factory.name;
}

inline Put put(std::string key, std::string value, LeaseId lease = {}) {
    return {std::move(key), std::move(value), lease};
}
inline Erase erase(std::string key) {
    return {std::move(key)};
}
inline EraseRange erase_range(std::string begin, std::string end) {
    return {std::move(begin), std::move(end)};
}
inline Compare mod_is(std::string key, Revision revision) {
    return {std::move(key), Compare::Target::mod_revision, revision};
}
inline Compare create_is(std::string key, Revision revision) {
    return {std::move(key), Compare::Target::create_revision, revision};
}
inline Compare absent(std::string key) {
    return mod_is(std::move(key), Revision{});
}

// A watch and what it has said so far.
struct Watcher {
    std::vector<WatchEvent> events;
    std::vector<WatchBatch> batches;
    bool lost = false;
    WatchId id;

    bool has_seen(std::string_view key, Revision at) const {
        for (const WatchEvent& event : events)
            if (event.kv.key == key && event.kv.mod_revision == at) return true;
        return false;
    }
};

// How an event reads in a failure: `put a=1 @5`, `erase a @6`.
inline std::string text(const WatchEvent& event) {
    std::string at = " @" + std::to_string(event.kv.mod_revision.value);
    if (event.deleted) return "erase " + event.kv.key + at;
    return "put " + event.kv.key + "=" + std::string(event.kv.value.view()) + at;
}
inline std::vector<std::string> texts(const std::vector<WatchEvent>& events) {
    std::vector<std::string> all;
    for (const WatchEvent& event : events)
        all.push_back(text(event));
    return all;
}
inline std::vector<std::string> keys(const RangeResult& result) {
    std::vector<std::string> all;
    for (const KeyValue& kv : result.kvs)
        all.push_back(kv.key);
    return all;
}
inline std::string at(Revision revision) {
    return " @" + std::to_string(revision.value);
}

class StoreTest : public testing::TestWithParam<Factory> {
  protected:
    // A backend with threads that never answers would hang the test program: end it instead.
    void SetUp() override { ::alarm(120); }
    void TearDown() override { ::alarm(0); }

    void turn(const std::function<bool()>& done) { backend_->turn(loop_, done); }

    // Calls `start` with a completion and waits for what it gets.
    template <class Result>
    Result wait(const std::function<void(std::move_only_function<void(Result)>)>& start) {
        std::optional<Result> result;
        start([&result](Result r) { result = std::move(r); });
        turn([&] { return result.has_value(); });
        return std::move(result.value());
    }

    WriteOutcome write(Store& store, Txn txn) {
        return wait<WriteOutcome>([&](auto done) { store.write(std::move(txn), std::move(done)); });
    }
    WriteOutcome write(Txn txn) { return write(*store_, std::move(txn)); }

    // Writes what must succeed; returns its revision.
    Revision apply(Store& store, std::vector<Operation> operations) {
        WriteOutcome outcome = write(store, {{}, std::move(operations)});
        if (const Applied* applied = std::get_if<Applied>(&outcome)) return applied->revision;
        ADD_FAILURE() << "not applied: " << describe(outcome);
        return {};
    }
    Revision apply(std::vector<Operation> operations) {
        return apply(*store_, std::move(operations));
    }

    static std::string describe(const WriteOutcome& outcome) {
        if (const Applied* applied = std::get_if<Applied>(&outcome))
            return "Applied" + at(applied->revision);
        if (const Conflict* conflict = std::get_if<Conflict>(&outcome))
            return "Conflict" + at(conflict->revision);
        if (const Unknown* unknown = std::get_if<Unknown>(&outcome))
            return "Unknown: " + unknown->why;
        return "Refused: " + std::get<Refused>(outcome).why;
    }
    static std::optional<RefusedKind> refusal(const WriteOutcome& outcome) {
        if (const Refused* refused = std::get_if<Refused>(&outcome)) return refused->kind;
        return std::nullopt;
    }
    static bool is_conflict(const WriteOutcome& outcome) {
        return std::holds_alternative<Conflict>(outcome);
    }

    GetResult get(Store& store, std::string key) {
        using Result = std::expected<GetResult, ReadError>;
        Result result =
            wait<Result>([&](auto done) { store.get(std::move(key), std::move(done)); });
        if (!result) ADD_FAILURE() << "not read: " << result.error().why;
        return result.value_or(GetResult{});
    }
    GetResult get(std::string key) { return get(*store_, std::move(key)); }
    // The value, or `absent`.
    std::string value(std::string key) {
        GetResult result = get(std::move(key));
        return result.kv ? std::string(result.kv->value.view()) : "absent";
    }
    bool exists(std::string key) { return get(std::move(key)).kv.has_value(); }
    Revision revision() { return get("no such key").revision; }

    RangeResult range(RangeRequest request) {
        using Result = std::expected<RangeResult, ReadError>;
        Result result =
            wait<Result>([&](auto done) { store_->range(std::move(request), std::move(done)); });
        if (!result) ADD_FAILURE() << "not read: " << result.error().why;
        return result.value_or(RangeResult{});
    }

    std::unique_ptr<Watcher> watch(Store& store, std::string begin, std::string end,
                                   Revision after) {
        auto watcher = std::make_unique<Watcher>();
        watcher->id = store.watch(std::move(begin), std::move(end), after,
                                  [w = watcher.get()](WatchUpdate update) {
                                      EXPECT_FALSE(w->lost) << "an update after WatchLost";
                                      if (auto* batch = std::get_if<WatchBatch>(&update)) {
                                          for (const WatchEvent& event : batch->events)
                                              w->events.push_back(event);
                                          w->batches.push_back(std::move(*batch));
                                      } else {
                                          w->lost = true;
                                      }
                                  });
        return watcher;
    }
    std::unique_ptr<Watcher> watch(std::string begin, std::string end, Revision after) {
        return watch(*store_, std::move(begin), std::move(end), after);
    }
    // Waits until the watcher has everything up to now of its range. `key` is in that range.
    void settle(Watcher& watcher, const std::string& key) {
        Revision marker = apply({put(key, "marker")});
        turn([&] { return watcher.lost || watcher.has_seen(key, marker); });
    }

    LeaseId grant(Duration ttl) {
        using Result = std::expected<LeaseId, ReadError>;
        Result result = wait<Result>([&](auto done) { store_->lease_grant(ttl, std::move(done)); });
        if (!result) ADD_FAILURE() << "no lease: " << result.error().why;
        return result.value_or(LeaseId{});
    }
    std::expected<void, ReadError> keep_alive(LeaseId id) {
        return wait<std::expected<void, ReadError>>(
            [&](auto done) { store_->lease_keep_alive(id, std::move(done)); });
    }
    std::expected<void, ReadError> revoke(LeaseId id) {
        return wait<std::expected<void, ReadError>>(
            [&](auto done) { store_->lease_revoke(id, std::move(done)); });
    }
    void let_time_pass(Duration ttl) { backend_->let_time_pass(loop_, ttl); }

    runtime::ManualLoop loop_;
    std::unique_ptr<Backend> backend_ = GetParam().make(loop_);
    std::unique_ptr<Store> store_ = backend_->open(loop_);
    std::unique_ptr<Store> other_ = backend_->open(loop_);
};

}  // namespace khronos::store::conformance
