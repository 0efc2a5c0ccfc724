// The runner: starts runs, keeps their time limits, drains their output, kills them whole and
// remembers how they ended until the worker has taken note. One thread, one epoll.
//
// Invariants: a run is reported as ended only when its whole tree is dead (or is to linger); a
// deadline that has passed is final; every child that is not a known supervisor is an orphan
// whose supervisor was killed, and is killed.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runner/client.h"
#include "runner/run.h"
#include "runner/run_journal.h"
#include "runner/slot_pool.h"

namespace khronos::runner {

struct RunnerOptions {
    std::string directory;  // the present directory is it; only for messages
    int listen_fd = -1;
    std::int64_t idle_exit_us = 10'000'000;
    bool cgroups = true;  // use them where there are any
};

class Runner {
  public:
    explicit Runner(RunnerOptions options);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    // Reads the journal and kills what a dead runner left. False: a message was printed.
    bool prepare();
    // Until idle or told to stop; the exit code.
    int serve();

  private:
    // The world's side.
    void wait_for_events();
    void accept_client();
    void drop_client();
    void on_client();
    void on_signals();
    void reap_children();
    void on_notified();
    void on_output(std::uint64_t number);
    void on_timers();
    void settle();  // at the end of each round: journal, then messages, then timers

    // Requests.
    void handle(FrameType type, std::string_view body);
    void on_hello(Reader& r);
    void on_start(Reader& r);
    void on_kill(Reader& r);
    void on_guard(Reader& r);
    void on_forget(Reader& r);
    void on_read_output(Reader& r);

    // Runs.
    bool spawn(Run& run, const StartRun& spec, std::string& why);
    void launch_pending();
    void told_to_end(Run& run, KillReason reason);
    void kill_tree(Run& run, KillReason reason);
    void check_time(Run& run, std::int64_t now);
    void check_memory(Run& run);
    void rearm(Run& run);
    void announce_start(Run& run);
    bool drain(Run& run);  // false: end of file
    void finish(Run& run);
    void never_started(Run& run, const std::string& why);
    void hunt_orphans();
    void release(Run& run);  // slot and control group
    void remove(const std::string& key);
    void send_refused(const std::string& key, const std::string& why);
    void compact_journal();
    std::vector<JournalRun> journal_view() const;

    RunnerOptions options_;
    RunJournal journal_;
    SlotPool slots_;
    CgroupPool cgroups_;
    std::unique_ptr<Client> client_;
    bool greeted_ = false;
    bool client_blocked_ = false;  // its socket is full
    bool stop_ = false;
    bool sync_wanted_ = false;
    std::uint64_t next_number_ = 1;
    std::unordered_map<std::string, std::unique_ptr<Run>> runs_;
    std::unordered_map<std::uint64_t, Run*> by_number_;
    std::unordered_map<pid_t, Run*> by_supervisor_;
    std::unordered_map<pid_t, Slot*> lingering_;        // supervisors of ended runs
    std::unordered_map<std::uint64_t, int> discarded_;  // output of lingering ones: read, not kept
    std::vector<std::pair<Run*, StartRun>> pending_;    // journalled in this round, then forked
    std::unordered_set<Run*> watched_;                  // a notification may be about these
    std::unordered_set<Run*> orphaned_;  // their supervisor is dead, their tree maybe not
    std::set<std::pair<std::int64_t, Run*>> timers_;
    std::int64_t hunt_at_us_ = 0;
    std::int64_t idle_since_us_ = 0;

    int epoll_ = -1;
    int signals_ = -1;
    int timer_ = -1;
    std::int64_t timer_set_us_ = 0;
    int null_ = -1;
    int runner_pid_ = 0;
    rlimit files_{};
};

}  // namespace khronos::runner
