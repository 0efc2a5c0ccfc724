// For tests: an embedded store opened, asked and closed from one thread.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/manual_loop.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"

namespace khronos::store::embedded {

class OpenStore {
  public:
    explicit OpenStore(const std::string& directory, EmbeddedBackend::Options options = {}) {
        // Where a test does not say: it would cost more than most tests.
        if (options.reserve_bytes == EmbeddedBackend::Options{}.reserve_bytes)
            options.reserve_bytes = 64 << 10;
        auto opened = EmbeddedBackend::open(directory, std::move(options));
        if (!opened) {
            error = opened.error().message;
            return;
        }
        backend = *std::move(opened);
        store = std::make_unique<EmbeddedStore>(*backend, loop);
    }

    template <class Result, class Ask>
    Result ask(Ask ask_it) {
        std::optional<Result> result;
        ask_it([&result](Result r) { result = std::move(r); });
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }
    WriteOutcome write(std::vector<Operation> operations) {
        return ask<WriteOutcome>(
            [&](auto done) { store->write({{}, std::move(operations)}, done); });
    }
    WriteOutcome put(std::string key, std::string value) {
        return write({Put{std::move(key), std::move(value), {}}});
    }
    std::expected<GetResult, ReadError> get(std::string key) {
        return ask<std::expected<GetResult, ReadError>>(
            [&](auto done) { store->get(std::move(key), done); });
    }
    StoreStatus status() {
        return ask<StoreStatus>([&](auto done) { store->status(done); });
    }
    // Everything, page by page.
    std::map<std::string, KeyValue> all() {
        std::map<std::string, KeyValue> found;
        RangeRequest request{.begin = std::string(1, '\0'), .end = "\xff"};
        for (bool more = true; more;) {
            auto page = ask<std::expected<RangeResult, ReadError>>(
                [&](auto done) { store->range(request, done); });
            if (!page) {
                ADD_FAILURE() << page.error().why;
                break;
            }
            for (KeyValue& kv : page->kvs)
                found[kv.key] = kv;
            more = page->more;
            if (more) request.begin = page->kvs.back().key + '\0';
        }
        return found;
    }

    std::string error;  // of opening; empty: open
    runtime::ManualLoop loop;
    std::unique_ptr<EmbeddedBackend> backend;
    std::unique_ptr<EmbeddedStore> store;
};

inline bool applied(const WriteOutcome& outcome) {
    return std::holds_alternative<Applied>(outcome);
}
inline std::optional<RefusedKind> refusal(const WriteOutcome& outcome) {
    if (const Refused* refused = std::get_if<Refused>(&outcome)) return refused->kind;
    return std::nullopt;
}

// Ends the program where a thread never answers, instead of waiting for ever.
class TimeLimitedTest : public testing::Test {
  protected:
    void SetUp() override { ::alarm(300); }
    void TearDown() override { ::alarm(0); }
};

}  // namespace khronos::store::embedded
