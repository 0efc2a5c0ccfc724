#include "store/etcd/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/etcd/outcome.h"

namespace khronos::store::etcd {
namespace {

constexpr Duration kPatienceStep = 50ms;
// Of a request that may be repeated: a member that fails, one that does not know it yet, one more.
constexpr int kAttempts = 4;
constexpr int kLoginsPerRequest = 2;

}  // namespace

Router::Router(runtime::Loop& loop, runtime::Entropy& entropy, runtime::Log& log, Config config,
               std::vector<std::unique_ptr<Member>> members,
               std::move_only_function<void()> on_change)
    : loop_(loop),
      entropy_(entropy),
      log_(log),
      config_(std::move(config)),
      on_change_(std::move(on_change)),
      seats_(members.size()) {
    for (std::size_t i = 0; i < members.size(); ++i)
        seats_[i].member = std::move(members[i]);
}

Router::~Router() {
    for (Seat& seat : seats_)
        loop_.cancel(seat.timer);
    loop_.cancel(login_timer_);
    if (patience_timer_) loop_.cancel(*patience_timer_);
    // Waits for calls, whose ends still use this object.
    for (Seat& seat : seats_)
        seat.member.reset();
}

void Router::start() {
    started_ = true;
    // Not every agent shall use the member that stands first in everybody's configuration.
    last_chosen_ = entropy_.next() % seats_.size();
    for (std::size_t i = 0; i < seats_.size(); ++i)
        probe(seats_[(last_chosen_ + i) % seats_.size()]);
}

// ---- requests

void Router::submit(std::shared_ptr<Request> request) {
    Use use;
    bool full = false;
    {
        const std::lock_guard lock(mutex_);
        if (use_ && in_flight_ < config_.in_flight && waiting_.empty()) {
            use = use_;
            ++in_flight_;
        } else if (waiting_.size() >= config_.waiting) {
            full = true;
        } else {
            request->waiting_since = loop_.mono_now();
            waiting_.push_back(request);
        }
    }
    if (use) {
        launch(std::move(request), use);
    } else if (full) {
        request->finish({RpcCode::resource_exhausted,
                         fmt::format("{} requests wait for etcd already", config_.waiting)});
    } else {
        loop_.post([this] { pump(); });
    }
}

// Any thread; counted in in_flight_ already.
void Router::launch(std::shared_ptr<Request> request, const Use& use) {
    ++request->attempts;
    auto ended = [this, request, use](RpcStatus status) {
        bool others_wait;
        {
            const std::lock_guard lock(mutex_);
            if (use.number == use_.number) --in_flight_;
            others_wait = !waiting_.empty();
        }
        if (status.ok()) {
            request->finish(std::move(status));
            if (others_wait) loop_.post([this] { pump(); });
        } else {
            loop_.post([this, request, use, status = std::move(status)]() mutable {
                on_failure(std::move(request), use, std::move(status));
                pump();
            });
        }
    };
    Member& member = *use.seat->member;
    if (!member.connected()) {
        ended({RpcCode::unavailable, fmt::format("no connection to {}", member.endpoint())});
        return;
    }
    request->sent = true;
    request->send(member, {request->deadline, *use.token}, std::move(ended));
}

void Router::on_failure(std::shared_ptr<Request> request, const Use& use, RpcStatus status) {
    if (wants_login(status) && !config_.user.empty()) {
        token_rejected(*use.token);
        if (++request->logins <= kLoginsPerRequest) return wait(std::move(request));
    } else if (is_members_fault(status)) {
        if (use.proof == use.seat->proof) mark_bad(*use.seat, words(status));
        const bool again = request->repeatable && request->attempts < kAttempts;
        if (again || !request->sent) return wait(std::move(request));
    }
    request->finish(std::move(status));
}

void Router::wait(std::shared_ptr<Request> request) {
    if (request->attempts <= 1) request->waiting_since = loop_.mono_now();
    const std::lock_guard lock(mutex_);
    waiting_.push_front(std::move(request));
}

void Router::pump() {
    if (denied_) return give_up_on_waiting();
    for (;;) {
        std::shared_ptr<Request> next;
        Use use;
        {
            const std::lock_guard lock(mutex_);
            if (waiting_.empty()) return;
            if (use_) {
                if (in_flight_ >= config_.in_flight) return;
                use = use_;
                ++in_flight_;
                next = std::move(waiting_.front());
                waiting_.pop_front();
            }
        }
        if (!use) return arm_patience();
        launch(std::move(next), use);
    }
}

void Router::arm_patience() {
    if (patience_timer_) return;
    patience_timer_ = loop_.call_after(kPatienceStep, [this] {
        patience_timer_.reset();
        give_up_on_waiting();
        pump();
    });
}

void Router::give_up_on_waiting() {
    std::vector<std::shared_ptr<Request>> over;
    {
        const std::lock_guard lock(mutex_);
        if (use_) return;
        const MonoTime since = loop_.mono_now() - config_.patience;
        std::erase_if(waiting_, [&](std::shared_ptr<Request>& request) {
            if (!denied_ && request->waiting_since > since) return false;
            over.push_back(std::move(request));
            return true;
        });
    }
    for (const auto& request : over)
        request->finish(denied_.value_or(RpcStatus{RpcCode::unavailable, trouble()}));
}

// ---- members

void Router::probe(Seat& seat) {
    if (std::exchange(seat.probing, true)) return;
    const CallOptions options{config_.probe_deadline, "", false};
    seat.member->status(options, [this, &seat](RpcStatus status, pb::StatusResponse response) {
        loop_.post([this, &seat, status = std::move(status), response = std::move(response)] {
            on_probe(seat, status, response);
        });
    });
}

void Router::probe_after(Seat& seat, Duration delay) {
    loop_.cancel(seat.timer);
    seat.timer = loop_.call_after(delay, [this, &seat] { probe(seat); });
}

std::string Router::fault_of(Seat& seat, const RpcStatus& status,
                             const pb::StatusResponse& response) {
    seat.foreign = false;
    if (!status.ok()) return words(status);
    const std::uint64_t cluster = response.header().cluster_id();
    if (cluster_ != 0 && cluster != cluster_) {
        seat.foreign = true;
        return fmt::format("belongs to the etcd cluster {:x}, the others to {:x}", cluster,
                           cluster_);
    }
    if (response.leader() == 0) return "knows no leader: its cluster has no quorum";
    cluster_ = cluster;
    return "";
}

void Router::on_probe(Seat& seat, RpcStatus status, const pb::StatusResponse& response) {
    seat.probing = false;
    if (std::string fault = fault_of(seat, status, response); !fault.empty()) {
        mark_bad(seat, std::move(fault));
        seat.pause = std::clamp<Duration>(seat.pause * 2, 100ms, 2s);
        probe_after(seat, jittered(seat.pause));
        return;
    }
    seat.version = response.version();
    seat.pause = {};
    mark_good(seat);
    probe_after(seat, jittered(config_.probe_interval));
}

void Router::mark_good(Seat& seat) {
    if (seat.good) return;
    seat.good = true;
    ++seat.proof;
    seat.error.clear();
    log_.debug("etcd member answers",
               {{"endpoint", seat.member->endpoint()}, {"version", seat.version}});
    if (!chosen_) choose();
}

void Router::mark_bad(Seat& seat, std::string why) {
    if (seat.error != why && (seat.good || seat.foreign))
        log_.warn("etcd member cannot be used",
                  {{"endpoint", seat.member->endpoint()}, runtime::field::error(why)});
    seat.error = std::move(why);
    if (!std::exchange(seat.good, false)) return;
    if (!seat.probing) probe_after(seat, {});
    if (chosen_ != &seat) return;
    ++stats_.failovers;
    choose();
}

void Router::report(const Member& member, const RpcStatus& status) {
    if (!is_members_fault(status)) return;
    for (Seat& seat : seats_)
        if (seat.member.get() == &member) mark_bad(seat, words(status));
}

void Router::choose() {
    chosen_ = nullptr;
    for (std::size_t i = 0; i < seats_.size(); ++i) {
        const std::size_t index = (last_chosen_ + i) % seats_.size();
        if (!seats_[index].good) continue;
        chosen_ = &seats_[index];
        last_chosen_ = index;
        version_ = chosen_->version;
        break;
    }
    publish();
}

// Lets requests use what is chosen, once it is logged in to.
void Router::publish() {
    const bool usable = chosen_ && (config_.user.empty() || logged_in_);
    {
        const std::lock_guard lock(mutex_);
        use_ = usable ? Use{chosen_, ++uses_, chosen_->proof, token_} : Use{};
        in_flight_ = 0;
    }
    if (chosen_ && !usable) login();
    on_change_();
    pump();
}

Member* Router::in_use() const {
    const std::lock_guard lock(mutex_);
    return use_ ? use_.seat->member.get() : nullptr;
}

const std::string& Router::version() const {
    return version_;
}

std::string Router::trouble() const {
    if (in_use()) return "";
    if (denied_) return words(*denied_);
    std::string all;
    for (const Seat& seat : seats_)
        all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", seat.member->endpoint(),
                           seat.error.empty() ? "is not logged in to yet" : seat.error);
    return "no etcd member can be used: " + all;
}

Duration Router::jittered(Duration pause) const {
    const std::uint64_t half = static_cast<std::uint64_t>(pause.count()) / 2;
    return Duration(static_cast<std::int64_t>(half + entropy_.next() % (half + 1)));
}

// ---- login

void Router::token_rejected(const std::string& token) {
    if (config_.user.empty() || !logged_in_ || token != *token_) return;
    logged_in_ = false;
    publish();
}

void Router::login() {
    if (std::exchange(login_running_, true)) return;
    loop_.cancel(login_timer_);
    Seat& seat = *chosen_;
    pb::AuthenticateRequest request;
    request.set_name(config_.user);
    request.set_password(config_.password);
    // The member computes a slow hash.
    const CallOptions options{config_.probe_deadline, ""};
    seat.member->authenticate(
        request, options, [this, &seat](RpcStatus status, pb::AuthenticateResponse response) {
            loop_.post([this, &seat, status = std::move(status),
                        token = std::move(*response.mutable_token())]() mutable {
                on_login(seat, std::move(status), std::move(token));
            });
        });
}

void Router::on_login(Seat& seat, RpcStatus status, std::string token) {
    login_running_ = false;
    const bool not_enabled = status.code == RpcCode::failed_precondition;
    if (not_enabled) log_.warn("etcd has a user to log in with, but wants none of us");
    if (status.ok() || not_enabled) {
        token_ = std::make_shared<const std::string>(std::move(token));
        logged_in_ = true;
        denied_.reset();
        ++stats_.logins;
        publish();
    } else if (is_members_fault(status)) {
        mark_bad(seat, words(status));
        if (chosen_ && !logged_in_) login();
    } else {
        // The password may be put right while we run.
        log_.error("etcd refuses the login", {runtime::field::error(words(status))});
        denied_ = std::move(status);
        login_timer_ = loop_.call_after(jittered(config_.probe_interval), [this] {
            if (chosen_) login();
        });
        on_change_();
        pump();
    }
}

}  // namespace khronos::store::etcd
