#include "app/worker_port.h"

#include <fmt/format.h>

#include <utility>

#include "app/cluster_view.h"
#include "app/config_sources.h"

namespace khronos::app {
namespace {

std::expected<std::string, Error> read_pem(const std::string& path) {
    if (path.empty()) return std::string();
    auto text = this_machine().read(path);
    if (!text)
        return std::unexpected(Error{ErrorKind::invalid, "tls",
                                     fmt::format("{} cannot be read: {}", path, text.error().why)});
    if (text->find("-----BEGIN ") == std::string::npos)
        return std::unexpected(
            Error{ErrorKind::invalid, "tls", fmt::format("{} is no PEM file", path)});
    return *std::move(text);
}

}  // namespace

bool may_listen(const AgentConfig& config) {
    if (is_loopback(config.bind_ip) || config.insecure) return true;
    const bool known = !config.join_token.empty() || !config.rpc_client_ca.empty();
    return known && !config.tls_cert.empty();
}

std::expected<std::optional<wire::LinkTls>, Error> link_tls(const std::string& ca,
                                                            const std::string& cert,
                                                            const std::string& key) {
    if (ca.empty() && cert.empty()) return std::nullopt;
    wire::LinkTls tls;
    for (const auto& [path, text] :
         {std::pair{&ca, &tls.ca}, std::pair{&cert, &tls.cert}, std::pair{&key, &tls.key}}) {
        auto pem = read_pem(*path);
        if (!pem) return std::unexpected(pem.error());
        *text = *std::move(pem);
    }
    return tls;
}

std::expected<std::unique_ptr<WorkerPort>, Error> WorkerPort::open(const AgentConfig& config,
                                                                   runtime::Loop& loop,
                                                                   wire::InprocLink& inside,
                                                                   runtime::Log& log) {
    std::unique_ptr<WorkerPort> port(new WorkerPort(loop));
    std::vector<wire::AgentMux::Way> ways{{&inside.agent(), &inside.outputs()}};
    if (may_listen(config)) {
        auto tls = config.tls_cert.empty()
                       ? std::optional<wire::LinkTls>()
                       : link_tls(config.rpc_client_ca, config.tls_cert, config.tls_key);
        if (!tls) return std::unexpected(tls.error());
        wire::WorkerServerConfig listening;
        listening.ip = config.bind_ip;
        listening.port = config.worker_port;
        listening.tls = *tls;
        listening.join_token = config.join_token;
        port->server_ = std::make_unique<wire::WorkerServer>(std::move(listening), loop, log);
        if (auto started = port->server_->start(); !started) {
            Error error = started.error();
            if (!config.tls_cert.empty())
                error.message += fmt::format(" (the certificate is {}, its key {})",
                                             config.tls_cert, config.tls_key);
            return std::unexpected(std::move(error));
        }
        port->address_ = address_for_others(config, port->server_->port());
        ways.push_back({port->server_.get(), port->server_.get()});
    } else {
        log.warn(
            "workers of other machines and agents cannot come in: that takes TLS and "
            "--join-token-file or --rpc-client-ca");
    }
    port->mux_ = std::make_unique<wire::AgentMux>(loop, std::move(ways));
    return port;
}

std::set<std::string> WorkerPort::set_agents(const std::vector<core::AgentSession>& members) {
    std::set<std::string> all;
    for (const core::AgentSession& member : members)
        if (!member.rpc_address.empty()) all.insert(member.rpc_address);
    if (!address_.empty()) all.insert(address_);
    if (server_) server_->set_agents({all.begin(), all.end()});
    all.erase(address_);
    return all;
}

void WorkerPort::read_output(const core::Execution& execution, const api::OutputRange& range,
                             runtime::Loop& answer_on, api::Done<api::OutputPart> done) {
    const bool ended = !core::is_open(execution.state);
    wire::OutputQuery query{{execution.id, execution.attempt},
                            range.offset,
                            range.length,
                            range.from_end,
                            range.as_written};
    loop_.post([this, worker = execution.worker, query, ended, &answer_on,
                done = std::move(done)]() mutable {
        mux_->read_output(
            worker, query, [ended, &answer_on, done = std::move(done)](auto part) mutable {
                answer_on.post([ended, part = std::move(part), done = std::move(done)]() mutable {
                    if (!part) return done(std::unexpected(part.error()));
                    done(api::OutputPart{std::move(part->bytes), part->offset, part->size, ended});
                });
            });
    });
}

}  // namespace khronos::app
