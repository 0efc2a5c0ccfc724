#include "store/etcd/etcd_backend.h"

#include <future>
#include <utility>

#include "store/etcd/backend_impl.h"
#include "store/etcd/grpc_member.h"
#include "store/etcd/tls_files.h"

namespace khronos::store {

EtcdBackend::Impl::Impl(EtcdOptions with, std::vector<std::unique_ptr<etcd::Member>> members,
                        runtime::Entropy& entropy, runtime::Log& to)
    : options(std::move(with)),
      messages(options.keyspace),
      router(loop, entropy, to,
             {.user = options.user,
              .password = options.password,
              .patience = options.call_deadline,
              .in_flight = options.calls_in_flight,
              .waiting = options.calls_waiting},
             std::move(members),
             [this] {
                 hub.on_route_change();
                 if (opening) opening->on_route_change();
             }),
      hub(loop, messages, router, {options.progress_interval}),
      compactor(loop, to, messages, router,
                {options.compact_interval, options.compact_shared, options.call_deadline}),
      log(to),
      thread([this] { loop.run(); }) {}

EtcdBackend::Impl::~Impl() {
    loop.stop();
    thread.join();
}

template <class Read>
auto EtcdBackend::Impl::ask_loop(Read read) const {
    // Shared: the waiter may be through before set_value() is.
    auto promise = std::make_shared<std::promise<decltype(read())>>();
    auto answer = promise->get_future();
    loop.post([&read, promise] { promise->set_value(read()); });
    return answer.get();
}

std::expected<void, Error> EtcdBackend::Impl::open() {
    auto promise = std::make_shared<std::promise<std::expected<void, Error>>>();
    auto answer = promise->get_future();
    loop.post([this, promise] {
        opening = std::make_unique<etcd::Opening>(loop, log, options, messages, router,
                                                  [this, promise](std::expected<void, Error> ok) {
                                                      if (ok) compactor.start();
                                                      promise->set_value(std::move(ok));
                                                  });
        opening->start();
    });
    return answer.get();
}

namespace {

// Only then is it worth the time to try by ourselves. What a failed handshake looks like depends on
// which side hung up first; what nobody or somebody silent looks like does not.
bool may_be_tls(std::string_view message) {
    for (const std::string_view sign : {"onnection refused", "not answer"})
        if (message.find(sign) != std::string_view::npos) return false;
    return true;
}

// What gRPC does not tell: why a handshake failed, or that there should have been one.
std::string tls_trouble(const std::vector<std::string>& endpoints,
                        const std::optional<etcd::TlsMaterial>& tls) {
    for (const std::string& endpoint : endpoints) {
        const std::string address = parse_endpoint(endpoint)->address;
        std::string why;
        if (tls)
            why = etcd::why_tls_fails(address, *tls);
        else if (etcd::speaks_tls(address))
            why = "it seems to want TLS";
        if (!why.empty()) return "; " + address + ": " + why;
    }
    return "";
}

}  // namespace

EtcdBackend::EtcdBackend(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EtcdBackend::~EtcdBackend() = default;

std::expected<std::unique_ptr<EtcdBackend>, Error> EtcdBackend::open(EtcdOptions options,
                                                                     runtime::Entropy& entropy,
                                                                     runtime::Log& log) {
    if (auto ok = options.validate(); !ok) return std::unexpected(ok.error());
    std::optional<etcd::TlsMaterial> tls;
    if (options.tls) {
        auto material = etcd::read_tls_files(*options.tls, runtime::AsioLoop().wall_now());
        if (!material) return std::unexpected(material.error());
        tls = std::move(*material);
    }
    std::vector<std::unique_ptr<etcd::Member>> members;
    for (const std::string& endpoint : options.endpoints)
        members.push_back(etcd::make_grpc_member(parse_endpoint(endpoint)->address, tls));

    auto impl = std::make_unique<Impl>(std::move(options), std::move(members), entropy, log);
    if (auto ok = impl->open(); !ok) {
        Error error = std::move(ok.error());
        if (error.kind == ErrorKind::unavailable && may_be_tls(error.message))
            error.message += tls_trouble(impl->options.endpoints, tls);
        return std::unexpected(std::move(error));
    }
    return std::unique_ptr<EtcdBackend>(new EtcdBackend(std::move(impl)));
}

EtcdBackend::Stats EtcdBackend::stats() const {
    return impl_->ask_loop([&impl = *impl_] {
        return Stats{.failovers = impl.router.stats().failovers,
                     .logins = impl.router.stats().logins,
                     .watch_streams = impl.hub.stats().streams,
                     .watch_stalls = impl.hub.stats().stalls,
                     .compactions = impl.compactor.compactions()};
    });
}

std::string EtcdBackend::member_in_use() const {
    return impl_->ask_loop([&impl = *impl_] {
        const etcd::Member* member = impl.router.in_use();
        return member ? member->endpoint() : std::string();
    });
}

}  // namespace khronos::store
