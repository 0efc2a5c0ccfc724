// Sends every request to the one member in use, and finds another when that one fails.
//
// Invariants:
// - A member is used only after it has answered a probe: it runs, knows a leader, and belongs to
//   the cluster that was met first. One that fails is not used again before it answers once more.
// - A write is sent at most once, except where etcd's answer proves that it was not carried out.
// - Without a member in use a request waits, at most Config::patience; then it is finished unsent.
//
// `loop` is the router's own; submit() comes from any thread and, where nothing is wrong, neither
// it nor the answer passes through that loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/entropy.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "store/etcd/member.h"
#include "store/etcd/request.h"

namespace khronos::store::etcd {

class Router {
  public:
    struct Config {
        std::string user = {}, password = {};  // user empty: no login
        Duration patience = 1500ms;            // without a member
        std::size_t in_flight = 256;           // at once; more of them wait
        std::size_t waiting = 65536;           // more of them are refused
        Duration probe_deadline = 3s;
        Duration probe_interval = 5s;  // of members that are well
    };

    // `on_change` runs on the loop whenever in_use() or denied() may have changed.
    Router(runtime::Loop& loop, runtime::Entropy& entropy, runtime::Log& log, Config config,
           std::vector<std::unique_ptr<Member>> members, std::move_only_function<void()> on_change);
    ~Router();  // requests that are not finished never are
    Router(const Router&) = delete;
    Router& operator=(const Router&) = delete;

    // Any thread.
    void submit(std::shared_ptr<Request> request);

    // The rest on the loop.
    void start();
    // The member in use, logged in to; nullptr: none.
    Member* in_use() const;
    const std::string& version() const;  // of the member in use, or of the last one that was
    const std::string& token() const { return *token_; }
    // etcd's word against the user or the password, for as long as it stands.
    const std::optional<RpcStatus>& denied() const { return denied_; }
    // A stream to this member failed.
    void report(const Member& member, const RpcStatus& status);
    // A stream was refused for its token: log in again, unless that was done since.
    void token_rejected(const std::string& token);
    // Why each member cannot be used, for people; empty if one can.
    std::string trouble() const;
    // 50 % to 100 % of `pause`.
    Duration jittered(Duration pause) const;

    struct Stats {
        std::uint64_t failovers = 0;  // times another member had to be found
        std::uint64_t logins = 0;
    };
    const Stats& stats() const { return stats_; }

  private:
    // A member and what is known of it.
    struct Seat {
        std::unique_ptr<Member> member;
        bool good = false;
        bool probing = false;
        bool foreign = false;     // of another cluster
        std::uint64_t proof = 0;  // counts the times it turned good
        Duration pause{};
        std::string version;
        std::string error = "has not answered yet";
        runtime::TimerId timer;
    };
    // What a request is sent with. A failure speaks against the seat while the proof is its own.
    struct Use {
        Seat* seat = nullptr;
        std::uint64_t number = 0;  // of this use
        std::uint64_t proof = 0;
        std::shared_ptr<const std::string> token;
        explicit operator bool() const { return seat != nullptr; }
    };

    void launch(std::shared_ptr<Request> request, const Use& use);
    void on_failure(std::shared_ptr<Request> request, const Use& use, RpcStatus status);
    void wait(std::shared_ptr<Request> request);
    void pump();
    void give_up_on_waiting();
    void arm_patience();

    void probe(Seat& seat);
    void probe_after(Seat& seat, Duration delay);
    void on_probe(Seat& seat, RpcStatus status, const pb::StatusResponse& response);
    std::string fault_of(Seat& seat, const RpcStatus& status, const pb::StatusResponse& response);
    void mark_good(Seat& seat);
    void mark_bad(Seat& seat, std::string why);

    void choose();
    void publish();
    void login();
    void on_login(Seat& seat, RpcStatus status, std::string token);

    runtime::Loop& loop_;
    runtime::Entropy& entropy_;
    runtime::Log& log_;
    const Config config_;
    std::move_only_function<void()> on_change_;

    std::vector<Seat> seats_;
    Seat* chosen_ = nullptr;
    std::size_t last_chosen_ = 0;
    std::uint64_t cluster_ = 0;
    std::string version_;
    bool started_ = false;

    bool logged_in_ = false;
    bool login_running_ = false;
    std::shared_ptr<const std::string> token_ = std::make_shared<const std::string>();
    std::optional<RpcStatus> denied_;
    runtime::TimerId login_timer_;
    Stats stats_;

    std::optional<runtime::TimerId> patience_timer_;
    std::uint64_t uses_ = 0;

    mutable std::mutex mutex_;  // guards what follows
    Use use_;
    std::size_t in_flight_ = 0;  // of this use: what a dead member holds is not counted
    std::deque<std::shared_ptr<Request>> waiting_;
};

}  // namespace khronos::store::etcd
