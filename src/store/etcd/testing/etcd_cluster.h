// A real etcd for tests and benchmarks: Debian's server, started on free loopback ports in a
// folder of its own, killed by pid. It dies with the test program, whatever happens to that.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace khronos::store::etcd {

class EtcdCluster {
  public:
    struct Options {
        std::size_t members = 1;
        bool fsync = true;
        std::uint64_t quota_bytes = 0;  // 0: etcd's default
        // Files of clients' TLS; empty: clear text. With `ca` clients must show a certificate.
        std::string cert = {}, key = {}, ca = {};
        std::string ctl_cert = {}, ctl_key = {};  // what etcdctl shows
        bool wait = true;  // for a read to succeed, before the constructor returns
    };
    // Throws std::runtime_error with the end of
    // etcd's log where it does not start.
    explicit EtcdCluster(Options options);
    EtcdCluster() : EtcdCluster(Options()) {}
    ~EtcdCluster();
    EtcdCluster(const EtcdCluster&) = delete;
    EtcdCluster& operator=(const EtcdCluster&) = delete;

    std::size_t size() const { return members_.size(); }
    const std::string& endpoint(std::size_t member) const { return members_.at(member).client; }
    std::vector<std::string> endpoints() const;
    // Which member has this endpoint.
    std::size_t index_of(const std::string& endpoint) const;
    const std::string& folder() const { return folder_; }

    void kill(std::size_t member);     // SIGKILL
    void suspend(std::size_t member);  // SIGSTOP
    void resume(std::size_t member);
    void restart(std::size_t member);  // of a killed one; its data is there
    // Until a read through every member succeeds.
    void wait_until_ready() const;

    // Runs etcdctl on the members that run; the output. Throws where it fails.
    std::string ctl(const std::vector<std::string>& arguments) const;

  private:
    struct Member {
        std::string name = {}, client = {}, peer = {};  // the latter two host:port
        pid_t pid = -1;
        bool suspended = false;
    };
    void choose_ports();
    void start(Member& member, const std::string& state);
    void stop_all();
    std::string ctl_on(const std::string& endpoints,
                       const std::vector<std::string>& arguments) const;

    const Options options_;
    std::string folder_;
    std::vector<Member> members_;
};

// Runs a program and waits for it: its exit status (127: could not be started) and its output,
// both streams of it.
struct CommandResult {
    int status = 127;
    std::string output;
};
CommandResult run_command(const std::vector<std::string>& command);

// Lets real time pass.
void wait_for(Duration duration);

}  // namespace khronos::store::etcd
