#include "app/worker_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/config_cli.h"
#include "app/config_values.h"
#include "base/limits.h"

namespace khronos::app {
namespace {

constexpr const char* kDoc =
    "Runs a worker: a process that runs executions for the agents of a cluster. Each option NAME "
    "can also be set in the environment (KHRONOS_NAME); flags win.";

struct Option {
    OptionSpec spec;
    std::vector<std::string> fallback;
};

std::string default_dir(const Machine& machine) {
    const auto variable = [&](const char* name) {
        const auto found = machine.environment.find(name);
        return found == machine.environment.end() ? std::string() : found->second;
    };
    if (const std::string state = variable("XDG_STATE_HOME"); state.starts_with('/'))
        return state + "/khronos-worker";
    if (const std::string home = variable("HOME"); home.starts_with('/'))
        return home + "/.local/state/khronos-worker";
    return "/var/lib/khronos-worker";
}

std::vector<Option> options(const Machine& machine) {
    std::vector<Option> all;
    const auto add = [&](std::string flag, std::vector<std::string> fallback, std::string value,
                         std::string doc, Form form = Form::text) {
        OptionSpec spec;
        spec.flag = spec.key = std::move(flag);
        spec.value_name = std::move(value);
        spec.doc = std::move(doc);
        spec.form = form;
        all.push_back({std::move(spec), std::move(fallback)});
    };
    add("agent", {"127.0.0.1:10005"}, "HOST:PORT",
        "an agent's rpc port; one is enough, it tells of the others; repeatable", Form::list);
    add("application", {"default"}, "NAME", "an application to run jobs of; repeatable",
        Form::list);
    add("node", {node_name().parse(machine.host_name).value_or("khronos")}, "NAME",
        "the name of this worker for people");
    add("tag", {}, "K=V", "a tag that jobs can ask for; repeatable", Form::mapping);
    add("max-execution-limit", {"64"}, "N", "executions at a time", Form::number);
    add("type-quota", {}, "TYPE=N", "of them with tags.type TYPE at most N; repeatable",
        Form::mapping);
    add("data-dir", {default_dir(machine)}, "DIR", "its identity, its journal, outputs of runs");
    add("secrets-dir", {""}, "DIR", "files that jobs' ${secret:NAME} stands for; DATA-DIR/secrets");
    add("join-token", {""}, "TOKEN", "the secret that lets it in at the agents");
    all.back().spec.secret = true;
    add("tls-ca", {""}, "FILE", "PEM: who signed the agents' certificates; turns TLS on");
    add("tls-cert", {""}, "FILE", "PEM: the worker's own certificate, in place of a join token");
    add("tls-key", {""}, "FILE", "PEM: the certificate's key");
    add("private-addresses", {"false"}, "true|false",
        "http jobs may reach private networks and this machine", Form::toggle);
    add("drain-timeout", {"5m"}, "DURATION", "how long a stop waits for running executions");
    add("log-level", {"info"}, "trace|debug|info|warn|error", "what is logged: this and worse");
    add("log-format", {"text"}, "text|json", "for people or for machines");
    return all;
}

class Reader {
  public:
    Reader(const RawValues& values, std::vector<Problem>& problems)
        : values_(values), problems_(problems) {}

    template <class T>
    void one(const char* flag, T& out, const Codec<T>& codec) {
        const RawValue& raw = values_.at(flag);
        take(raw, codec.parse(raw.values.at(0)), out);
    }
    template <class T, class Use>
    void each(const char* flag, const Codec<T>& codec, Use use) {
        const RawValue& raw = values_.at(flag);
        for (const std::string& text : raw.values)
            if (T value{}; take(raw, codec.parse(text), value)) use(std::move(value));
    }
    template <class Use>
    void pairs(const char* flag, Use use) {
        const RawValue& raw = values_.at(flag);
        for (const std::string& text : raw.values)
            if (Tag tag; take(raw, parse_tag(text), tag))
                if (auto wrong = use(tag); !wrong.empty())
                    problems_.push_back({raw.origin.where, std::move(wrong)});
    }

  private:
    template <class T>
    bool take(const RawValue& raw, Parsed<T> value, T& out) {
        if (value)
            out = *std::move(value);
        else
            problems_.push_back({raw.origin.where, value.error()});
        return value.has_value();
    }
    const RawValues& values_;
    std::vector<Problem>& problems_;
};

void read(const RawValues& values, const Machine& machine, WorkerOptions& out,
          std::vector<Problem>& problems) {
    Reader reader(values, problems);
    WorkerProcess::Config& worker = out.worker;
    reader.each<HostPort>("agent", host_port(), [&](const HostPort& at) {
        worker.agents.seeds.insert(host_port().show(at));
    });
    worker.applications.clear();
    reader.each<std::string>("application", node_name(), [&](std::string name) {
        worker.applications.push_back(std::move(name));
    });
    reader.one("node", worker.node, node_name());
    reader.pairs("tag", [&](const Tag& tag) {
        return worker.tags.emplace(tag.key, tag.value).second
                   ? std::string()
                   : fmt::format("'{}' is given twice", tag.key);
    });
    reader.one("max-execution-limit", worker.slots, number(1, 100000));
    reader.pairs("type-quota", [&](const Tag& tag) {
        const auto quota = number(0, 100000).parse(tag.value);
        if (!quota) return quota.error();
        worker.type_quotas[tag.key] = *quota;
        return std::string();
    });
    reader.one("data-dir", worker.data_dir, directory(machine.working_dir));
    reader.one("secrets-dir", worker.secrets_dir, any_text());
    worker.secrets_dir = worker.secrets_dir.empty()
                             ? worker.data_dir + "/secrets"
                             : directory(machine.working_dir).parse(worker.secrets_dir).value_or("");
    reader.one("join-token", worker.agents.join_token, any_text());
    reader.one("tls-ca", out.tls_ca, any_text());
    reader.one("tls-cert", out.tls_cert, any_text());
    reader.one("tls-key", out.tls_key, any_text());
    reader.one("private-addresses", worker.any_address, truth());
    reader.one("drain-timeout", out.drain_timeout, duration(0s, 24h));
    reader.one("log-level", out.log_level, log_level());
    reader.one("log-format", out.log_format, log_format());
    if (!problems.empty()) return;
    if (worker.agents.seeds.empty()) problems.push_back({"--agent", "at least one is needed"});
    if (worker.applications.empty())
        problems.push_back({"--application", "at least one is needed"});
    if (out.tls_cert.empty() != out.tls_key.empty())
        problems.push_back({"--tls-cert", "a certificate and its key go together"});
    if (!out.tls_cert.empty() && out.tls_ca.empty())
        problems.push_back({"--tls-cert", "needs --tls-ca: who signed the agents' certificates"});
    const std::string& token = worker.agents.join_token;
    if (!token.empty() && token.size() < limits::kSecretBytesMin)
        problems.push_back({values.at("join-token").origin.where,
                            fmt::format("has {} characters, at least {} are needed", token.size(),
                                        limits::kSecretBytesMin)});
}

}  // namespace

std::expected<WorkerOptions, Leave> worker_options_from(const std::vector<std::string>& arguments,
                                                        const Machine& machine) {
    const std::vector<Option> all = options(machine);
    std::vector<OptionSpec> specs;
    std::vector<std::string> shown;
    RawValues values;
    for (const Option& option : all) {
        specs.push_back(option.spec);
        shown.push_back(fmt::format("{}", fmt::join(option.fallback, ",")));
        values[option.spec.flag] = {option.fallback, {Source::fallback, "default"}};
    }
    CommandLine line = parse_flags("khronos worker", kDoc, specs, shown, arguments);
    if (line.wants_help) return std::unexpected(Leave{0, line.help, ""});
    std::vector<Problem> problems = std::move(line.problems);
    take_environment(specs, machine, values, problems);
    take_flags(specs, machine, line.flags, values, problems);
    WorkerOptions options;
    if (problems.empty()) read(values, machine, options, problems);
    if (problems.empty()) return options;
    std::string text;
    for (const Problem& problem : problems)
        text += fmt::format("khronos: {}\n", in_words(problem));
    return std::unexpected(Leave{2, "", text + "See khronos worker --help\n"});
}

}  // namespace khronos::app
