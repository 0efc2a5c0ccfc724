// How an agent is set up. What each option means, its names and its default stand in one table,
// config_options.cc; here is what the rest of the program sees.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace khronos::app {

enum class Env : std::uint8_t { local, dev, sit, prod };
std::string_view to_text(Env env);
enum class Backend : std::uint8_t { embedded, etcd };
enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class LogFormat : std::uint8_t { text, json };

// Whether a client must show a certificate, where tls_client_ca is set.
enum class TlsClient : std::uint8_t { optional, required };
// What a certificate allows without a token.
enum class CertificateRole : std::uint8_t { none, viewer, runner, editor, admin };

struct HostPort {
    std::string host;
    std::uint16_t port = 0;
    bool operator==(const HostPort&) const = default;
};

struct AgentConfig {
    Env env = Env::local;
    std::string config_file;  // the one that was read; empty: none

    // Who may reach it
    std::string bind_ip;            // IPv4 or IPv6 literal
    std::uint16_t http_port = 0;    // the page and the REST API; 0: any free one
    std::uint16_t worker_port = 0;  // workers (gRPC); 0: any free one
    std::string advertise;          // host that others reach it by; empty: bind_ip, or the host's
    bool insecure = false;          // other addresses than loopback without TLS and tokens
    std::vector<std::string> hosts;    // names that it is called by, besides the node's and localhost
    std::vector<std::string> origins;  // of pages that may write, besides our own

    // Who may do what
    bool auth = false;       // every request needs a token
    std::string root_token;  // an administrator's, of this agent only; empty: one is made
    std::string tls_cert;    // PEM files; empty: no TLS
    std::string tls_key;
    std::string tls_client_ca;  // who signs clients' certificates; empty: none are asked for
    TlsClient tls_client = TlsClient::optional;
    CertificateRole tls_client_role = CertificateRole::none;

    // Which workers may come in on worker_port
    std::string join_token;     // shared with them; empty: none
    std::string rpc_client_ca;  // PEM file: who signs their certificates; empty: none are asked for

    // Who it is
    std::string node;
    std::map<std::string, std::string> tags;

    // Where its data are
    Backend backend = Backend::embedded;
    std::vector<HostPort> backend_machines;  // etcd only
    std::string keyspace;                    // begins with `/`, does not end with one
    std::string backend_user;                // etcd's own access control; empty: none
    std::string backend_password;
    std::string backend_ca_file;             // TLS to etcd; all empty: none
    std::string backend_cert_file;
    std::string backend_key_file;
    // Compact etcd's history though others have keys in it, too.
    bool backend_compact_shared = false;
    std::string data_dir;                    // absolute

    // How it works
    std::string secrets_dir;                // empty: data_dir/secrets
    bool no_worker = false;                 // decides and serves only
    std::uint32_t max_execution_limit = 0;  // executions of the built-in worker at a time
    Duration misfire_threshold{};           // a tick up to this old is late, not missed
    Duration session_ttl{};                 // an agent silent for this long is gone
    Duration drain_timeout{};               // how long a stop waits for running executions

    LogLevel log_level = LogLevel::info;
    LogFormat log_format = LogFormat::text;

    bool operator==(const AgentConfig&) const = default;
};

// What is wrong with options that are right one by one: {option, sentence}. Empty: nothing.
struct Inconsistency {
    std::string option;  // its flag's name, such as `bind-ip`
    std::string message;
    bool operator==(const Inconsistency&) const = default;
};
std::vector<Inconsistency> validate(const AgentConfig& config);

// 127.0.0.0/8 and ::1.
bool is_loopback(const std::string& ip);

}  // namespace khronos::app
