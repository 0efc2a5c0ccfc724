#include "store/etcd/watch_hub.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "store/etcd/outcome.h"
#include "store/etcd/version.h"

namespace khronos::store::etcd {
namespace {

// The answer to a progress request is for no watch, or for all.
constexpr WatchHub::Id kAllWatches = -1;

// A watch has no status of its own, only a sentence. An outlived token is told as one of these,
// depending on etcd's version and on what it was doing.
bool may_be_the_login(std::string_view reason) {
    for (const std::string_view part :
         {"permission denied", "invalid auth token", "user name is empty", "auth store is old"})
        if (reason.find(part) != std::string_view::npos) return true;
    return false;
}

}  // namespace

WatchHub::WatchHub(runtime::Loop& loop, const Messages& messages, Router& router, Config config)
    : loop_(loop), messages_(messages), router_(router), config_(config) {}

WatchHub::~WatchHub() {
    close();
    loop_.cancel(retry_timer_);
}

void WatchHub::add(Id id, std::string begin, std::string end, Revision after,
                   std::move_only_function<void(WatchUpdate)> deliver) {
    auto [found, fresh] = watches_.try_emplace(id);
    Watch& watch = found->second;
    watch.begin = std::move(begin);
    watch.end = std::move(end);
    watch.reached = after;
    watch.deliver = std::move(deliver);
    if (stream_)
        send_create(id, watch);
    else
        open();
}

void WatchHub::remove(Id id) {
    if (watches_.erase(id) == 0) return;
    if (watches_.empty())
        close();
    else if (stream_)
        send_cancel(id);
}

// ---- the stream

void WatchHub::open() {
    if (stream_ || watches_.empty()) return;
    member_ = router_.in_use();
    if (!member_) return;  // on_route_change() comes back
    loop_.cancel(retry_timer_);
    ++stats_.streams;
    token_ = router_.token();
    const auto version = parse_version(router_.version());
    trusts_progress_ = version && progress_can_be_trusted(*version);
    stream_ = member_->watch(loop_, token_,
                             {[this](pb::WatchResponse response) { on_response(response); },
                              [this](RpcStatus status) { on_end(status); }});
    for (auto& [id, watch] : watches_)
        send_create(id, watch);
    heard_ = loop_.mono_now();
    tick_timer_ = loop_.call_after(config_.progress_interval, [this] { tick(); });
}

void WatchHub::close() {
    stream_.reset();
    member_ = nullptr;
    unanswered_.clear();
    loop_.cancel(tick_timer_);
    for (auto& [id, watch] : watches_) {
        watch.created = false;
        watch.partial.clear();
    }
}

void WatchHub::open_later() {
    pause_ = std::clamp<Duration>(pause_ * 2, 100ms, 2s);
    loop_.cancel(retry_timer_);
    retry_timer_ = loop_.call_after(router_.jittered(pause_), [this] { open(); });
}

void WatchHub::on_route_change() {
    // Without a member to go to, a stream that still speaks is better than none.
    Member* now = router_.in_use();
    if (!now || now == member_) return;
    close();
    open();
}

void WatchHub::on_end(const RpcStatus& status) {
    Member* member = member_;
    const std::string token = token_;
    close();
    if (wants_login(status)) router_.token_rejected(token);
    router_.report(*member, status);
    // The router may have found another member already, and us with it.
    if (!stream_) open_later();
}

void WatchHub::tick() {
    if (loop_.mono_now() - heard_ >= config_.progress_interval * 5 / 2) {
        ++stats_.stalls;
        Member& silent = *member_;
        close();
        router_.report(silent, {RpcCode::deadline_exceeded, "its watches are silent"});
        if (!stream_) open_later();
        return;
    }
    pb::WatchRequest request;
    request.mutable_progress_request();
    stream_->send(std::move(request));
    tick_timer_ = loop_.call_after(config_.progress_interval, [this] { tick(); });
}

void WatchHub::send_create(Id id, const Watch& watch) {
    pb::WatchRequest request;
    pb::WatchCreateRequest& create = *request.mutable_create_request();
    create.set_watch_id(id);
    create.set_key(messages_.full(watch.begin));
    create.set_range_end(messages_.full(watch.end));
    // One revision again, whose events are dropped: etcd takes a watch that starts right at the
    // compacted revision for complete, but has forgotten that revision's deletions.
    create.set_start_revision(
        std::max<std::int64_t>(1, static_cast<std::int64_t>(watch.reached.value)));
    create.set_progress_notify(true);
    create.set_fragment(true);
    stream_->send(std::move(request));
    unanswered_.push_back(id);
}

void WatchHub::send_cancel(Id id) {
    pb::WatchRequest request;
    request.mutable_cancel_request()->set_watch_id(id);
    stream_->send(std::move(request));
}

// ---- what it says

void WatchHub::on_response(const pb::WatchResponse& response) {
    heard_ = loop_.mono_now();
    pause_ = {};
    if (response.watch_id() == kAllWatches && !response.canceled() && !response.created())
        return on_progress(revision_of(response.header()));
    Id id = response.watch_id();
    if (response.created() && !unanswered_.empty()) {
        // etcd 3.4 does not say which watch it refuses, but it answers in order.
        if (id == kAllWatches) id = unanswered_.front();
        unanswered_.pop_front();
    }
    auto found = watches_.find(id);
    if (found == watches_.end()) return;  // removed meanwhile
    Watch& watch = found->second;
    if (response.canceled()) return on_canceled(found, response);
    if (response.created()) {
        watch.created = true;
        watch.denied_before = false;
    }
    on_events(watch, response);
}

void WatchHub::on_progress(Revision revision) {
    if (!trusts_progress_) return;
    for (auto& [id, watch] : watches_)
        if (watch.created && watch.partial.empty() && revision > watch.reached)
            deliver(watch, {}, revision);
}

void WatchHub::on_events(Watch& watch, const pb::WatchResponse& response) {
    for (const mvccpb::Event& event : response.events())
        if (event.kv().mod_revision() > static_cast<std::int64_t>(watch.reached.value))
            watch.partial.push_back(messages_.event(event));
    if (response.fragment()) return;
    if (!watch.partial.empty()) {
        watch.denied_before = false;
        // The header's revision may run ahead of events that are still to come.
        const Revision last = watch.partial.back().kv.mod_revision;
        deliver(watch, std::exchange(watch.partial, {}), last);
    } else if (response.events().empty() && !response.created() &&
               revision_of(response.header()) > watch.reached) {
        deliver(watch, {}, revision_of(response.header()));
    }
}

void WatchHub::deliver(Watch& watch, std::vector<WatchEvent> events, Revision revision) {
    watch.reached = revision;
    watch.deliver(WatchBatch{std::move(events), revision});
}

void WatchHub::on_canceled(Watches::iterator found, const pb::WatchResponse& response) {
    if (response.compact_revision() != 0) {
        lose(found, "etcd has forgotten the events since revision " +
                        std::to_string(found->second.reached.value) + ": it was compacted");
    } else if (may_be_the_login(response.cancel_reason()) && !token_.empty() &&
               !std::exchange(found->second.denied_before, true)) {
        const std::string token = token_;
        close();
        router_.token_rejected(token);
        if (!stream_) open_later();
    } else {
        lose(found, "etcd ended the watch: " + response.cancel_reason());
    }
}

void WatchHub::lose(Watches::iterator found, std::string why) {
    auto deliver = std::move(found->second.deliver);
    watches_.erase(found);
    if (watches_.empty()) close();
    deliver(WatchLost{std::move(why)});
}

}  // namespace khronos::store::etcd
