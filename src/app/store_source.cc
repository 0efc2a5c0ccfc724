#include "app/store_source.h"

#include <fmt/format.h>

#include <utility>

#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/etcd/etcd_backend.h"

namespace khronos::app {
namespace {

class Embedded final : public StoreSource {
  public:
    explicit Embedded(std::unique_ptr<store::EmbeddedBackend> backend)
        : backend_(std::move(backend)) {}
    std::unique_ptr<store::Store> handle(runtime::Loop& loop) override {
        return std::make_unique<store::EmbeddedStore>(*backend_, loop);
    }
    bool is_shared() const override { return false; }
    std::string kind() const override { return "embedded"; }

  private:
    std::unique_ptr<store::EmbeddedBackend> backend_;
};

class Etcd final : public StoreSource {
  public:
    explicit Etcd(std::unique_ptr<store::EtcdBackend> backend) : backend_(std::move(backend)) {}
    std::unique_ptr<store::Store> handle(runtime::Loop& loop) override {
        return std::make_unique<store::EtcdStore>(*backend_, loop);
    }
    bool is_shared() const override { return true; }
    std::string kind() const override { return "etcd"; }

  private:
    std::unique_ptr<store::EtcdBackend> backend_;
};

std::string address_of(const HostPort& machine) {
    const bool v6 = machine.host.find(':') != std::string::npos;
    return fmt::format("{}:{}", v6 ? "[" + machine.host + "]" : machine.host, machine.port);
}

}  // namespace

std::expected<std::unique_ptr<StoreSource>, Error> StoreSource::open(const AgentConfig& config,
                                                                     runtime::Entropy& entropy,
                                                                     runtime::Log& log) {
    if (config.backend == Backend::embedded) {
        auto backend = store::EmbeddedBackend::open(config.data_dir + "/store");
        if (!backend) return std::unexpected(backend.error());
        return std::make_unique<Embedded>(std::move(*backend));
    }
    store::EtcdOptions options;
    for (const HostPort& machine : config.backend_machines)
        options.endpoints.push_back(address_of(machine));
    options.keyspace = config.keyspace;
    options.compact_shared = config.backend_compact_shared;
    options.user = config.backend_user;
    options.password = config.backend_password;
    if (!config.backend_ca_file.empty() || !config.backend_cert_file.empty())
        options.tls = store::EtcdTls{config.backend_ca_file, config.backend_cert_file,
                                     config.backend_key_file};
    auto backend = store::EtcdBackend::open(std::move(options), entropy, log);
    if (!backend) return std::unexpected(backend.error());
    return std::make_unique<Etcd>(std::move(*backend));
}

}  // namespace khronos::app
