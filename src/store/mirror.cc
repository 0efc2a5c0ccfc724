#include "store/mirror.h"

#include <algorithm>

namespace khronos::store {

Mirror::Mirror(Store& store, runtime::Loop& loop, Config config, Listener listener)
    : store_(store),
      loop_(loop),
      config_(std::move(config)),
      listener_(std::move(listener)),
      end_(prefix_end(config_.prefix)) {}

Mirror::~Mirror() { stop(); }

void Mirror::start() {
    running_ = true;
    relist();
}

void Mirror::stop() {
    running_ = false;
    ++round_;
    if (watch_) store_.unwatch(watch_);
    watch_ = {};
    loop_.cancel(relist_timer_);
    loop_.cancel(retry_timer_);
}

void Mirror::relist() {
    if (!running_) return;
    ++round_;
    if (watch_) store_.unwatch(watch_);
    watch_ = {};
    listener_.on_list_begins();
    list_page(config_.prefix, Revision(0));
}

void Mirror::list_page(std::string from, Revision first) {
    RangeRequest request;
    request.begin = std::move(from);
    request.end = end_;
    request.limit = config_.page;
    store_.range(request, [this, round = round_, first](
                              std::expected<RangeResult, ReadError> result) mutable {
        if (round != round_ || !running_) return;
        if (!result) {
            retry_timer_ = loop_.call_after(pause_, [this] { relist(); });
            pause_ = std::min<Duration>(pause_ * 2, std::chrono::seconds(2));
            return;
        }
        pause_ = std::chrono::milliseconds(100);
        // Pages are read one after the other while others write. The watch begins at the first
        // page's revision and so replays whatever a later page may have seen half of.
        if (!first) first = result->revision;
        std::string last = result->kvs.empty() ? std::string() : result->kvs.back().key;
        for (KeyValue& kv : result->kvs) listener_.on_put(std::move(kv));
        if (result->more) {
            last.push_back('\0');
            list_page(std::move(last), first);
            return;
        }
        listed_once_ = true;
        reached_ = first;
        listener_.on_listed();
        listener_.on_reached(reached_);
        watch(first);
        arm_relist();
    });
}

void Mirror::watch(Revision after) {
    watch_ = store_.watch(config_.prefix, end_, after,
                          [this, round = round_](WatchUpdate update) {
                              if (round == round_ && running_) on_update(std::move(update));
                          });
}

void Mirror::on_update(WatchUpdate update) {
    if (std::holds_alternative<WatchLost>(update)) {
        watch_ = {};
        relist();
        return;
    }
    WatchBatch& batch = std::get<WatchBatch>(update);
    for (WatchEvent& event : batch.events) {
        if (event.deleted) {
            listener_.on_erase(std::move(event.kv.key), event.kv.mod_revision);
        } else {
            listener_.on_put(std::move(event.kv));
        }
    }
    reached_ = std::max(reached_, batch.revision);
    listener_.on_reached(reached_);
}

void Mirror::arm_relist() {
    loop_.cancel(relist_timer_);
    if (config_.relist_every <= Duration(0)) return;
    relist_timer_ = loop_.call_after(config_.relist_every, [this] { relist(); });
}

}  // namespace khronos::store
