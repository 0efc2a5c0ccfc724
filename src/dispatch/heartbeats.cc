#include "dispatch/heartbeats.h"

#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/keys.h"
#include "store/txns.h"

namespace khronos::dispatch {
namespace {

// More than that at a time, and the store does not keep up: newer ones replace what waits.
constexpr std::size_t kMostUnderWay = 8;
constexpr Duration kSweepEvery = std::chrono::minutes(10);
constexpr std::size_t kMostSwept = 100;

}  // namespace

Heartbeats::Heartbeats(store::Store& store, runtime::Loop& loop, Config config, Events events)
    : store_(store),
      loop_(loop),
      config_(std::move(config)),
      events_(std::move(events)),
      mirror_(store, loop, {std::string(store::keys::kHeartbeats), 5000, config_.relist_every},
              listener()) {}

Heartbeats::~Heartbeats() {
    stop();
}

void Heartbeats::start() {
    mirror_.start();
    sweep_timer_ = loop_.call_after(kSweepEvery, [this] { sweep(); });
}

void Heartbeats::stop() {
    stopped_ = true;
    mirror_.stop();
    loop_.cancel(write_timer_);
    loop_.cancel(sweep_timer_);
    write_timer_ = sweep_timer_ = {};
}

// ---- everybody's

store::Mirror::Listener Heartbeats::listener() {
    store::Mirror::Listener listener;
    listener.on_list_begins = [this] {
        for (auto& [worker, known] : known_)
            known.listed = false;
    };
    listener.on_put = [this](store::KeyValue kv) { seen(kv); };
    listener.on_erase = [this](const std::string& key, Revision) {
        if (const auto worker = store::keys::heartbeat_worker_of(key);
            worker && known_.erase(*worker) > 0)
            events_.on_seen(*worker, Revision{}, {});
    };
    listener.on_listed = [this] {
        std::vector<core::WorkerId> gone;
        for (const auto& [worker, known] : known_)
            if (!known.listed) gone.push_back(worker);
        for (const core::WorkerId& worker : gone) {
            known_.erase(worker);
            events_.on_seen(worker, Revision{}, {});
        }
    };
    listener.on_reached = [](Revision) {};
    return listener;
}

void Heartbeats::seen(const store::KeyValue& kv) {
    const auto worker = store::keys::heartbeat_worker_of(kv.key);
    const auto beat = store::decode<store::WorkerHeartbeat>(kv.value.view());
    if (!worker || !beat) return;
    known_[*worker] = {kv.mod_revision, beat->at, true};
    events_.on_seen(*worker, kv.mod_revision, *beat);
}

// ---- our own

void Heartbeats::commit(const core::WorkerId& worker, std::string boot_id, std::uint64_t sequence) {
    if (stopped_) return;
    waiting_[worker] = {std::move(boot_id), sequence};
    if (!write_timer_)
        write_timer_ = loop_.call_after(config_.collect, [this] {
            write_timer_ = {};
            write();
        });
}

void Heartbeats::write() {
    while (!waiting_.empty() && under_way_ < kMostUnderWay) {
        std::vector<std::pair<std::string, store::WorkerHeartbeat>> beats;
        while (!waiting_.empty() && beats.size() < limits::kHeartbeatsInTxn) {
            auto first = waiting_.begin();
            beats.emplace_back(first->first,
                               store::WorkerHeartbeat{first->second.boot_id, first->second.sequence,
                                                      config_.agent, loop_.wall_now()});
            waiting_.erase(first);
        }
        store::Txn txn = store::txns::heartbeats(beats);
        ++under_way_;
        store_.write(std::move(txn), [this, beats = std::move(beats)](store::WriteOutcome outcome) {
            --under_way_;
            if (stopped_) return;
            if (std::holds_alternative<store::Applied>(outcome))
                for (const auto& [worker, beat] : beats)
                    events_.on_committed(worker, beat.boot_id, beat.sequence);
            if (!write_timer_ && !waiting_.empty()) write();
        });
    }
}

void Heartbeats::sweep() {
    sweep_timer_ = loop_.call_after(kSweepEvery, [this] { sweep(); });
    std::size_t swept = 0;
    for (const auto& [worker, known] : known_) {
        if (known.at + config_.keep > loop_.wall_now()) continue;
        store_.write(store::txns::forget_heartbeat(worker, known.revision),
                     [](store::WriteOutcome) {});
        if (++swept == kMostSwept) break;
    }
}

}  // namespace khronos::dispatch
