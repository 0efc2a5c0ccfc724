#include "app/config.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/limits.h"

namespace khronos::app {
namespace {

// 128 bits in hex: below that a secret can be guessed.
constexpr std::size_t kRootTokenBytes = 32;

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
    const bool guarded = config.auth && !config.tls_cert.empty();
    if (!guarded && !config.insecure && !is_loopback(config.bind_ip))
        found.push_back(
            {"bind-ip",
             fmt::format("{} can be reached by others, and whoever reaches an agent without TLS "
                         "and tokens can run commands on its machines; give --tls-cert and "
                         "--tls-key{}, bind 127.0.0.1, or type --insecure",
                         config.bind_ip, config.auth ? "" : " and --auth")});
    if (config.tls_cert.empty() != config.tls_key.empty())
        found.push_back({config.tls_cert.empty() ? "tls-cert" : "tls-key",
                         "a certificate and its key go together; one of them is missing"});
    if (!config.tls_client_ca.empty() && config.tls_cert.empty())
        found.push_back({"tls-client-ca", "clients' certificates need TLS; give --tls-cert"});
    if (config.tls_client == TlsClient::required && config.tls_client_ca.empty())
        found.push_back({"tls-client", "required needs --tls-client-ca: who signs them"});
    if (config.tls_client_role != CertificateRole::none && config.tls_client_ca.empty())
        found.push_back({"tls-client-role", "needs --tls-client-ca: who signs certificates"});
    if (!config.root_token.empty() && config.root_token.size() < kRootTokenBytes)
        found.push_back({"root-token", fmt::format("has {} characters, at least {} are needed; "
                                                   "`openssl rand -hex 32` makes one",
                                                   config.root_token.size(), kRootTokenBytes)});
    if (!config.root_token.empty() && !config.auth)
        found.push_back({"root-token", "means nothing without --auth"});
    if (!config.join_token.empty() && config.join_token.size() < limits::kSecretBytesMin)
        found.push_back({"join-token", fmt::format("has {} characters, at least {} are needed; "
                                                   "`openssl rand -hex 32` makes one",
                                                   config.join_token.size(),
                                                   limits::kSecretBytesMin)});
    if (!config.rpc_client_ca.empty() && config.tls_cert.empty())
        found.push_back({"rpc-client-ca", "workers' certificates need TLS; give --tls-cert"});
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
