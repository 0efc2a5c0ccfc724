// A backend with one handle, and calls that wait for their answer: what tests of a whole etcd
// stand on.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/asio/system_entropy.h"
#include "runtime/log.h"
#include "runtime/manual_loop.h"
#include "store/codec.h"
#include "store/etcd/etcd_backend.h"
#include "store/keys.h"

namespace khronos::store::etcd {

// Keeps what is logged, as `level message key=value ...` without the values that are no text.
class KeptLog final : public runtime::Log {
  public:
    bool enabled(runtime::LogLevel) const override { return true; }
    void write(runtime::LogLevel level, std::string_view message, Fields fields) override {
        static constexpr const char* kNames[] = {"debug", "info", "warn", "error"};
        std::string line =
            std::string(kNames[static_cast<int>(level)]) + " " + std::string(message);
        for (const runtime::LogField& field : fields)
            if (auto* text = std::get_if<std::string_view>(&field.value))
                line += " " + std::string(field.key) + "=" + std::string(*text);
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
    }
    bool has(std::string_view part) const {
        const std::lock_guard lock(mutex_);
        for (const std::string& line : lines_)
            if (line.find(part) != std::string::npos) return true;
        return false;
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

class EtcdClient {
  public:
    // Throws where it cannot be opened.
    explicit EtcdClient(EtcdOptions options) {
        auto opened = EtcdBackend::open(std::move(options), entropy_, log_);
        if (!opened) throw std::runtime_error(opened.error().message);
        backend_ = std::move(*opened);
        store_ = std::make_unique<EtcdStore>(*backend_, loop_);
    }

    // What makes a keyspace ours; without it, one that has keys is somebody else's.
    void write_meta(std::string cluster_id = "test", std::uint32_t format = kFormatVersion) {
        Meta meta;
        meta.cluster_id = std::move(cluster_id);
        meta.format_version = format;
        put(std::string(keys::kMeta), encode(meta));
    }

    template <class Result>
    Result wait(const std::function<void(std::move_only_function<void(Result)>)>& start) {
        std::optional<Result> result;
        start([&result](Result r) { result = std::move(r); });
        loop_.run_until([&] { return result.has_value(); });
        return std::move(*result);
    }
    WriteOutcome write(Txn txn) {
        return wait<WriteOutcome>(
            [&](auto done) { store_->write(std::move(txn), std::move(done)); });
    }
    WriteOutcome put(std::string key, std::string value) {
        return write({{}, {Put{std::move(key), std::move(value), {}}}});
    }
    std::expected<GetResult, ReadError> get(std::string key) {
        return wait<std::expected<GetResult, ReadError>>(
            [&](auto done) { store_->get(std::move(key), std::move(done)); });
    }
    std::expected<RangeResult, ReadError> range(RangeRequest request) {
        return wait<std::expected<RangeResult, ReadError>>(
            [&](auto done) { store_->range(std::move(request), std::move(done)); });
    }
    std::expected<LeaseId, ReadError> grant(Duration ttl) {
        return wait<std::expected<LeaseId, ReadError>>(
            [&](auto done) { store_->lease_grant(ttl, std::move(done)); });
    }
    std::expected<void, ReadError> keep_alive(LeaseId id) {
        return wait<std::expected<void, ReadError>>(
            [&](auto done) { store_->lease_keep_alive(id, std::move(done)); });
    }
    StoreStatus status() {
        return wait<StoreStatus>([&](auto done) { store_->status(std::move(done)); });
    }

    runtime::ManualLoop& loop() { return loop_; }
    EtcdBackend& backend() { return *backend_; }
    Store& store() { return *store_; }
    const KeptLog& log() const { return log_; }

  private:
    runtime::ManualLoop loop_;
    runtime::SystemEntropy entropy_;
    KeptLog log_;
    std::unique_ptr<EtcdBackend> backend_;
    std::unique_ptr<EtcdStore> store_;
};

}  // namespace khronos::store::etcd
