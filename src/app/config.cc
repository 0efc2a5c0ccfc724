#include "app/config.h"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace khronos::app {
namespace {

// Set when an agent can be given certificates and tokens.
constexpr bool kTlsAndTokensAreBuilt = false;

}  // namespace

bool is_loopback(const std::string& ip) {
    in_addr v4{};
    if (inet_pton(AF_INET, ip.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
    in6_addr v6{};
    return inet_pton(AF_INET6, ip.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string_view to_text(Env env) {
    switch (env) {
        case Env::local: return "local";
        case Env::dev: return "dev";
        case Env::sit: return "sit";
        case Env::prod: return "prod";
    }
    return "local";
}

std::vector<Inconsistency> validate(const AgentConfig& config) {
    std::vector<Inconsistency> found;
    if (!kTlsAndTokensAreBuilt && !config.insecure && !is_loopback(config.bind_ip))
        found.push_back(
            {"bind-ip",
             fmt::format("{} can be reached by others, and whoever reaches an agent without TLS "
                         "and tokens can run commands on its machines; bind 127.0.0.1, or type "
                         "--insecure (this version has no TLS and tokens yet)",
                         config.bind_ip)});
    if (config.http_port != 0 && config.http_port == config.worker_port)
        found.push_back({"rpc-port", fmt::format("{} is the port of --bind-port already; workers "
                                                 "need one of their own",
                                                 config.worker_port)});
    if (config.backend == Backend::etcd && config.backend_machines.empty())
        found.push_back(
            {"backend-machine", "the etcd backend needs at least one, such as 10.0.0.1:2379"});
    if (config.backend == Backend::embedded && !config.backend_machines.empty())
        found.push_back({"backend-machine",
                         "only the etcd backend has machines; add --backend "
                         "etcd, or leave them out"});
    return found;
}

}  // namespace khronos::app
