#include "store/etcd/testing/etcd_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace khronos::store::etcd {
namespace {

constexpr int kStarts = 5;  // another program may take a port that was free a moment ago

// A loopback port that nobody listens on. Kept apart by asking for all at once.
std::vector<std::uint16_t> free_ports(std::size_t count) {
    std::vector<int> sockets;
    std::vector<std::uint16_t> ports;
    for (std::size_t i = 0; i < count; ++i) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
            ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("no free port on 127.0.0.1");
        sockets.push_back(fd);
        ports.push_back(ntohs(address.sin_port));
    }
    for (const int fd : sockets)
        ::close(fd);
    return ports;
}

std::string tail_of(const std::string& path) {
    std::ifstream in(path);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    return text.size() > 2000 ? text.substr(text.size() - 2000) : text;
}

// Between fork and exec only what a program with threads may do there.
pid_t spawn(const std::vector<std::string>& command, int output) {
    std::vector<char*> arguments;
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close_range(3, ~0U, 0);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
}

int reap(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& command) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    const pid_t pid = spawn(command, ends[1]);
    ::close(ends[1]);
    CommandResult result;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        result.output.append(buffer, static_cast<std::size_t>(n));
    ::close(ends[0]);
    const int status = reap(pid);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

void wait_for(Duration duration) {
    ::poll(nullptr, 0, static_cast<int>(duration.count() / 1000));
}

EtcdCluster::EtcdCluster(Options options) : options_(std::move(options)) {
    std::string name = "/tmp/khronos-etcd-XXXXXX";
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder in /tmp");
    folder_ = name;
    for (int start_number = 1;; ++start_number) {
        try {
            choose_ports();
            for (Member& member : members_)
                start(member, "new");
            if (options_.wait) wait_until_ready();
            return;
        } catch (const std::runtime_error& error) {
            const std::string why = error.what() + tail_of(folder_ + "/m0.log");
            stop_all();
            std::filesystem::remove_all(folder_);
            if (start_number == kStarts)
                throw std::runtime_error("etcd does not start (is etcd-server installed?): " + why);
            std::filesystem::create_directory(folder_);
        }
    }
}

EtcdCluster::~EtcdCluster() {
    stop_all();
    std::filesystem::remove_all(folder_);
}

void EtcdCluster::choose_ports() {
    const auto ports = free_ports(options_.members * 2);
    members_.clear();
    for (std::size_t i = 0; i < options_.members; ++i)
        members_.push_back({fmt::format("m{}", i), fmt::format("127.0.0.1:{}", ports[2 * i]),
                            fmt::format("127.0.0.1:{}", ports[2 * i + 1])});
}

void EtcdCluster::start(Member& member, const std::string& state) {
    const std::string scheme = options_.cert.empty() ? "http://" : "https://";
    std::string all;
    for (const Member& other : members_)
        all += fmt::format("{}{}=http://{}", all.empty() ? "" : ",", other.name, other.peer);
    std::vector<std::string> command = {"etcd",
                                        "--name=" + member.name,
                                        "--data-dir=" + folder_ + "/" + member.name,
                                        "--listen-client-urls=" + scheme + member.client,
                                        "--advertise-client-urls=" + scheme + member.client,
                                        "--listen-peer-urls=http://" + member.peer,
                                        "--initial-advertise-peer-urls=http://" + member.peer,
                                        "--initial-cluster=" + all,
                                        "--initial-cluster-state=" + state,
                                        "--initial-cluster-token=" + folder_,
                                        "--log-level=warn",
                                        "--logger=zap"};
    if (!options_.fsync) command.push_back("--unsafe-no-fsync");
    if (options_.quota_bytes)
        command.push_back(fmt::format("--quota-backend-bytes={}", options_.quota_bytes));
    if (!options_.cert.empty()) {
        command.push_back("--cert-file=" + options_.cert);
        command.push_back("--key-file=" + options_.key);
    }
    if (!options_.ca.empty()) {
        command.push_back("--trusted-ca-file=" + options_.ca);
        command.push_back("--client-cert-auth");
    }
    const std::string log = folder_ + "/" + member.name + ".log";
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    member.pid = spawn(command, output);
    ::close(output);
}

void EtcdCluster::stop_all() {
    for (std::size_t i = 0; i < members_.size(); ++i)
        kill(i);
}

std::vector<std::string> EtcdCluster::endpoints() const {
    std::vector<std::string> all;
    for (const Member& member : members_)
        all.push_back(member.client);
    return all;
}

std::size_t EtcdCluster::index_of(const std::string& endpoint) const {
    const auto found = std::ranges::find(members_, endpoint, &Member::client);
    if (found == members_.end()) throw std::runtime_error("no member has " + endpoint);
    return static_cast<std::size_t>(found - members_.begin());
}

void EtcdCluster::kill(std::size_t member) {
    pid_t& pid = members_.at(member).pid;
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    reap(pid);
    pid = -1;
    members_[member].suspended = false;
}
void EtcdCluster::suspend(std::size_t member) {
    const pid_t pid = members_.at(member).pid;
    members_[member].suspended = true;
    ::kill(pid, SIGSTOP);
    int status = 0;
    ::waitpid(pid, &status, WUNTRACED);  // it has stopped when this returns
}
void EtcdCluster::resume(std::size_t member) {
    ::kill(members_.at(member).pid, SIGCONT);
    members_[member].suspended = false;
}
void EtcdCluster::restart(std::size_t member) {
    start(members_.at(member), "existing");
}

void EtcdCluster::wait_until_ready() const {
    for (const Member& member : members_) {
        // etcdctl itself waits until it is connected; a member that has ended never will be.
        if (::kill(member.pid, 0) != 0 || ::waitpid(member.pid, nullptr, WNOHANG) != 0)
            throw std::runtime_error("etcd ended at once. ");
        ctl_on(member.client, {"get", "is anybody there"});
    }
}

std::string EtcdCluster::ctl(const std::vector<std::string>& arguments) const {
    std::string all;
    for (const Member& member : members_)
        if (member.pid > 0 && !member.suspended) all += (all.empty() ? "" : ",") + member.client;
    return ctl_on(all, arguments);
}

std::string EtcdCluster::ctl_on(const std::string& endpoints,
                                const std::vector<std::string>& arguments) const {
    std::vector<std::string> command = {"env",
                                        "ETCDCTL_API=3",
                                        "etcdctl",
                                        "--endpoints=" + endpoints,
                                        "--dial-timeout=20s",
                                        "--command-timeout=20s"};
    if (!options_.cert.empty()) command.push_back("--insecure-skip-tls-verify");
    if (!options_.ctl_cert.empty()) {
        command.push_back("--cert=" + options_.ctl_cert);
        command.push_back("--key=" + options_.ctl_key);
    }
    if (!options_.cert.empty()) command[3] = "--endpoints=https://" + endpoints;
    command.insert(command.end(), arguments.begin(), arguments.end());
    const CommandResult result = run_command(command);
    if (result.status != 0)
        throw std::runtime_error(
            fmt::format("etcdctl {} on {}: {}", arguments.front(), endpoints, result.output));
    return result.output;
}

}  // namespace khronos::store::etcd
