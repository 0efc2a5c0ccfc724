#include "app/config_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "app/config_values.h"

namespace khronos::app {
namespace {

using Texts = std::vector<std::string>;

struct Field {
    std::function<std::expected<void, std::string>(AgentConfig&, const Texts&)> set;
    std::function<Texts(const AgentConfig&)> show;
};

template <class T>
Field one(T AgentConfig::* member, Codec<T> codec) {
    return {[=](AgentConfig& config, const Texts& texts) -> std::expected<void, std::string> {
                auto value = codec.parse(texts.at(0));
                if (!value) return std::unexpected(value.error());
                config.*member = *std::move(value);
                return {};
            },
            [=](const AgentConfig& config) { return Texts{codec.show(config.*member)}; }};
}

template <class T>
Field list(std::vector<T> AgentConfig::* member, Codec<T> codec) {
    return {[=](AgentConfig& config, const Texts& texts) -> std::expected<void, std::string> {
                std::vector<T> all;
                for (const std::string& text : texts) {
                    auto value = codec.parse(text);
                    if (!value) return std::unexpected(value.error());
                    if (std::ranges::find(all, *value) != all.end())
                        return std::unexpected(fmt::format("'{}' is given twice", text));
                    all.push_back(*std::move(value));
                }
                config.*member = std::move(all);
                return {};
            },
            [=](const AgentConfig& config) {
                Texts texts;
                for (const T& value : config.*member)
                    texts.push_back(codec.show(value));
                return texts;
            }};
}

Field tags(std::map<std::string, std::string> AgentConfig::* member) {
    return {[=](AgentConfig& config, const Texts& texts) -> std::expected<void, std::string> {
                std::map<std::string, std::string> all;
                for (const std::string& text : texts) {
                    const auto tag = parse_tag(text);
                    if (!tag) return std::unexpected(tag.error());
                    if (!all.emplace(tag->key, tag->value).second)
                        return std::unexpected(fmt::format("'{}' is given twice", tag->key));
                }
                config.*member = std::move(all);
                return {};
            },
            [=](const AgentConfig& config) {
                Texts texts;
                for (const auto& [key, value] : config.*member)
                    texts.push_back(key + "=" + value);
                return texts;
            }};
}

// Where one expects a program's data: the user's state directory on a laptop, /var/lib on a server.
std::string default_data_dir(Env env, const Machine& machine) {
    const auto variable = [&](const char* name) {
        const auto found = machine.environment.find(name);
        return found == machine.environment.end() ? std::string() : found->second;
    };
    if (env == Env::local) {
        // The XDG rule: a relative path in the variable is to be ignored.
        if (const std::string state = variable("XDG_STATE_HOME"); state.starts_with('/'))
            return state + "/khronos";
        if (const std::string home = variable("HOME"); home.starts_with('/'))
            return home + "/.local/state/khronos";
    }
    return "/var/lib/khronos";
}

// A host's name may have characters that a node's name may not.
std::string default_node(const Machine& machine) {
    return node_name().parse(machine.host_name).value_or("khronos");
}

// Builds the table line by line: the file's key is the flag with underscores.
class Table {
  public:
    void add(std::string flag, Texts fallback, std::string value_name, Field field,
             std::string doc) {
        OptionSpec spec;
        spec.key = flag;
        std::ranges::replace(spec.key, '-', '_');
        spec.flag = std::move(flag);
        spec.value_name = std::move(value_name);
        spec.doc = std::move(doc);
        options_.push_back(
            {std::move(spec), std::move(fallback), std::move(field.set), std::move(field.show)});
    }
    OptionSpec& last() { return options_.back().spec; }
    std::vector<AgentOption> take() { return std::move(options_); }

  private:
    std::vector<AgentOption> options_;
};

}  // namespace

std::vector<AgentOption> agent_options(Env env, const Machine& machine) {
    using C = AgentConfig;
    const std::string here = machine.working_dir;
    const std::string any = env == Env::local ? "127.0.0.1" : "0.0.0.0";
    Table t;

    t.add("env", {"local"}, "local|dev|sit|prod", one(&C::env, environment()),
          "the environment; picks the file conf/khronos.ENV.toml");
    t.last().letter = 'e', t.last().key = "";
    t.add("config", {""}, "FILE", one(&C::config_file, any_text()),
          "read this file, and not the environment's");
    t.last().key = "";

    t.add("bind-ip", {any}, "IP", one(&C::bind_ip, ip_address()),
          "the address to listen on; 127.0.0.1 in local, else 0.0.0.0");
    t.add("bind-port", {"10001"}, "PORT", one(&C::http_port, port()),
          "the port of the page and the REST API; 0: any free one");
    t.last().form = Form::number;
    t.add("rpc-port", {"10005"}, "PORT", one(&C::worker_port, port()),
          "the port of the workers; 0: any free one");
    t.last().form = Form::number;
    t.add("advertise", {""}, "HOST", one(&C::advertise, any_text()),
          "the name or address that other agents and workers reach this one by; the bound one");
    t.add("insecure", {"false"}, "true|false", one(&C::insecure, truth()),
          "listen on other addresses than loopback without TLS and tokens");
    t.last().form = Form::toggle, t.last().key = "", t.last().environment = false;

    t.add("host", {}, "NAME", list(&C::hosts, any_text()),
          "a name that this agent is called by, besides its node's; repeatable");
    t.last().form = Form::list, t.last().key = "hosts";
    t.add("origin", {}, "URL", list(&C::origins, any_text()),
          "a site whose pages may write here, such as https://tools.example.org; repeatable");
    t.last().form = Form::list, t.last().key = "origins";

    t.add("auth", {env == Env::local ? "false" : "true"}, "true|false", one(&C::auth, truth()),
          "every request needs a token; false in local");
    t.last().form = Form::toggle;
    t.add("root-token", {""}, "TOKEN", one(&C::root_token, any_text()),
          "an administrator's token for this agent; without one DATA-DIR/admin.token is made");
    t.last().secret = true;
    t.add("tls-cert", {""}, "FILE", one(&C::tls_cert, any_text()),
          "PEM: this agent's certificate, then those up to the authority");
    t.add("tls-key", {""}, "FILE", one(&C::tls_key, any_text()), "PEM: the certificate's key");
    t.add("tls-client-ca", {""}, "FILE", one(&C::tls_client_ca, any_text()),
          "PEM: the authorities of clients' certificates");
    t.add("tls-client", {"optional"}, "optional|required", one(&C::tls_client, tls_client()),
          "whether a client must show a certificate");
    t.add("tls-client-role", {"none"}, "none|viewer|runner|editor|admin",
          one(&C::tls_client_role, certificate_role()),
          "what a client with a certificate may do without a token");

    t.add("join-token", {""}, "TOKEN", one(&C::join_token, any_text()),
          "the secret that workers and the other agents show on the rpc port");
    t.last().secret = true;
    t.add("rpc-client-ca", {""}, "FILE", one(&C::rpc_client_ca, any_text()),
          "PEM: the authorities of workers' certificates, in place of a join token");

    t.add("node", {default_node(machine)}, "NAME", one(&C::node, node_name()),
          "the name of this agent, one of its kind; the host's name");
    t.add("tag", {}, "K=V", tags(&C::tags), "a tag of this agent's worker; repeatable");
    t.last().form = Form::mapping, t.last().key = "tags", t.last().live = true;

    t.add("backend", {"embedded"}, "embedded|etcd", one(&C::backend, backend()),
          "the store: embedded (one machine) or etcd (a cluster)");
    t.add("backend-machine", {}, "HOST:PORT", list(&C::backend_machines, host_port()),
          "a member of the etcd cluster; repeatable");
    t.last().form = Form::list, t.last().key = "backend_machines";
    t.add("keyspace", {"/khronos"}, "PREFIX", one(&C::keyspace, keyspace()),
          "what the store's keys begin with; one for each cluster");
    t.add("backend-user", {""}, "NAME", one(&C::backend_user, any_text()),
          "whom to log in to etcd as");
    t.add("backend-password", {""}, "FILE", one(&C::backend_password, any_text()),
          "a file with etcd's password for that user");
    t.last().secret = true;
    t.add("backend-ca-file", {""}, "FILE", one(&C::backend_ca_file, any_text()),
          "who signed etcd's certificate; turns TLS to etcd on");
    t.add("backend-cert-file", {""}, "FILE", one(&C::backend_cert_file, any_text()),
          "our own certificate for etcd, where it asks for one");
    t.add("backend-key-file", {""}, "FILE", one(&C::backend_key_file, any_text()),
          "the key of that certificate");
    t.add("backend-compact-shared", {"false"}, "true|false",
          one(&C::backend_compact_shared, truth()),
          "compact etcd's history though others have keys in it, too");
    t.last().form = Form::toggle;
    t.add("data-dir", {default_data_dir(env, machine)}, "DIR", one(&C::data_dir, directory(here)),
          "the store's file, journals and outputs of runs");

    t.add("secrets-dir", {""}, "DIR", one(&C::secrets_dir, any_text()),
          "files that jobs name as ${secret:FILE}; DATA-DIR/secrets");
    t.add("no-worker", {"false"}, "true|false", one(&C::no_worker, truth()),
          "decide and serve, but run nothing on this machine");
    t.last().form = Form::toggle;
    t.add("max-execution-limit", {"64"}, "N", one(&C::max_execution_limit, number(1, 100000)),
          "executions that the built-in worker runs at a time");
    t.last().form = Form::number, t.last().live = true;
    t.add("misfire-threshold", {"60s"}, "DURATION", one(&C::misfire_threshold, duration(1s, 24h)),
          "a tick up to this old runs late; an older one is missed");
    t.last().live = true;
    t.add("session-ttl", {"3s"}, "DURATION", one(&C::session_ttl, duration(1s, 60s)),
          "an agent that is silent for this long is taken for dead");
    t.add("drain-timeout", {"30s"}, "DURATION", one(&C::drain_timeout, duration(0s, 24h)),
          "how long a stop waits for running executions");
    t.last().live = true;

    t.add("log-level", {"info"}, "trace|debug|info|warn|error", one(&C::log_level, log_level()),
          "what is logged: this and worse");
    t.last().live = true;
    t.add("log-format", {"text"}, "text|json", one(&C::log_format, log_format()),
          "for people or for machines");
    return t.take();
}

std::vector<OptionSpec> specs_of(const std::vector<AgentOption>& options) {
    std::vector<OptionSpec> specs;
    for (const AgentOption& option : options)
        specs.push_back(option.spec);
    return specs;
}

}  // namespace khronos::app
