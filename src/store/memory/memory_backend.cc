#include "store/memory/memory_backend.h"

#include <utility>

#include "base/check.h"

namespace khronos::store {

MemoryBackend::MemoryBackend(runtime::Loop& loop) : MemoryBackend(loop, Options{}) {}

MemoryBackend::MemoryBackend(runtime::Loop& loop, Options options)
    : loop_(loop), options_(options), published_(state_.revision()) {}

MemoryBackend::~MemoryBackend() {
    loop_.cancel(lease_timer_);
}

bool MemoryBackend::end_lease(LeaseId id) {
    bool found = state_.revoke(id);
    changed();
    return found;
}

// ---- to and fro

RequestFault MemoryBackend::fault(const RequestInfo& info) {
    return faults_ ? faults_->on_request(info) : RequestFault{};
}

void MemoryBackend::run_after(Duration delay, runtime::Task task) {
    auto guarded = [life = std::weak_ptr(life_), task = std::move(task)]() mutable {
        if (!life.expired()) task();
    };
    if (delay > Duration::zero())
        loop_.call_after(delay, std::move(guarded));
    else
        loop_.post(std::move(guarded));
}

void MemoryBackend::answer_after(Duration delay, std::shared_ptr<Client> client,
                                 runtime::Task task) {
    auto hand_over = [client = std::move(client), task = std::move(task)]() mutable {
        if (!client->handle) return;
        runtime::Loop& loop = *client->loop;
        loop.post([client = std::move(client), task = std::move(task)]() mutable {
            if (client->handle) task();
        });
    };
    if (delay > Duration::zero())
        run_after(delay, std::move(hand_over));
    else
        hand_over();
}

void MemoryBackend::request(const RequestInfo& info, std::move_only_function<runtime::Task()> serve,
                            std::move_only_function<void(RequestFault::Fate)> lost,
                            std::shared_ptr<Client> client) {
    using Fate = RequestFault::Fate;
    RequestFault fault = this->fault(info);
    auto give_up = [&] {
        auto answer = [lost = std::move(lost), fate = fault.fate]() mutable { lost(fate); };
        answer_after(fault.answer_delay, client, std::move(answer));
    };
    switch (fault.fate) {
        case Fate::carry_out:
            run_after(fault.request_delay, [this, delay = fault.answer_delay, client,
                                            serve = std::move(serve)]() mutable {
                answer_after(delay, std::move(client), serve());
            });
            return;
        case Fate::lose_answer:
            run_after(fault.request_delay, [serve = std::move(serve)]() mutable { serve(); });
            give_up();
            return;
        case Fate::lose_request:
        case Fate::refuse:
            give_up();
            return;
    }
}

// ---- changes, watches and leases

void MemoryBackend::changed() {
    publish();
    state_.trim_history(options_.history_events);
    set_lease_timer();
}

void MemoryBackend::publish() {
    if (published_ == state_.revision()) return;
    published_ = state_.revision();
    for (Watch& watch : watches_) {
        if (watch.lost || watch.sent >= published_) continue;
        auto events = state_.events(watch.begin, watch.end, watch.sent);
        CHECK(events);  // the history is trimmed only after this
        watch.sent = published_;
        if (!events->empty()) send(watch, {std::move(*events), published_});
    }
}

void MemoryBackend::send(Watch& watch, WatchBatch batch) {
    using Fate = WatchFault::Fate;
    if (watch.lost) return;
    WatchFault fault = faults_ ? faults_->on_watch_batch(watch.client->name, batch) : WatchFault{};
    auto deliver = [&](WatchUpdate update) {
        auto task = [client = watch.client, id = watch.id, update = std::move(update)]() mutable {
            client->handle->deliver(id, std::move(update));
        };
        answer_after(fault.delay, watch.client, std::move(task));
    };
    switch (fault.fate) {
        case Fate::drop:
            return;
        case Fate::lose:
            send_lost(watch, fault.delay, "the watch was broken");
            return;
        case Fate::duplicate:
            deliver(batch);
            [[fallthrough]];
        case Fate::deliver:
            deliver(std::move(batch));
            return;
    }
}

void MemoryBackend::send_lost(Watch& watch, Duration delay, std::string why) {
    if (std::exchange(watch.lost, true)) return;
    auto task = [client = watch.client, id = watch.id, why = std::move(why)]() mutable {
        client->handle->deliver(id, WatchLost{std::move(why)});
    };
    answer_after(delay, watch.client, std::move(task));
}

void MemoryBackend::send_progress() {
    for (Watch& watch : watches_)
        if (watch.sent <= published_) send(watch, {{}, published_});
}

void MemoryBackend::break_watches(const std::string& client, const std::string& why) {
    for (Watch& watch : watches_)
        if (client.empty() || watch.client->name == client) send_lost(watch, Duration::zero(), why);
}

void MemoryBackend::add_watch(Watch new_watch) {
    Watch& watch = watches_.emplace_back(std::move(new_watch));
    auto events = state_.events(watch.begin, watch.end, watch.sent);
    if (!events) {
        send_lost(watch, Duration::zero(), "the revision to watch from is forgotten");
        return;
    }
    watch.sent = std::max(watch.sent, published_);
    if (!events->empty()) send(watch, {std::move(*events), published_});
}

void MemoryBackend::remove_watch(const Client& client, WatchId id) {
    std::erase_if(watches_,
                  [&](const Watch& w) { return w.client.get() == &client && w.id == id; });
}

void MemoryBackend::detach(const std::shared_ptr<Client>& client) {
    client->handle = nullptr;
    std::erase_if(watches_, [&](const Watch& w) { return w.client == client; });
}

void MemoryBackend::set_lease_timer() {
    loop_.cancel(lease_timer_);
    lease_timer_ = {};
    if (auto when = state_.next_expiry()) {
        lease_timer_ = loop_.call_at(*when, [this] {
            state_.expire(loop_.mono_now());
            changed();
        });
    }
}

}  // namespace khronos::store
