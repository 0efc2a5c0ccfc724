// The port's rules on a real etcd. One etcd for all tests, a keyspace for each.
#include "runtime/asio/system_entropy.h"
#include "store/conformance.h"
#include "store/etcd/etcd_backend.h"
#include "store/etcd/testing/etcd_cluster.h"

namespace khronos::store::conformance {
namespace {

using etcd::EtcdCluster;

class Etcd final : public Backend {
  public:
    explicit Etcd(EtcdCluster& cluster) : cluster_(cluster) {
        static int count = 0;
        EtcdOptions options;
        options.endpoints = cluster.endpoints();
        options.keyspace = "/test" + std::to_string(++count);
        auto opened = EtcdBackend::open(options, entropy_, log_);
        if (!opened) throw std::runtime_error(opened.error().message);
        backend_ = std::move(*opened);
    }

    std::unique_ptr<Store> open(runtime::ManualLoop& loop) override {
        return std::make_unique<EtcdStore>(*backend_, loop);
    }
    void turn(runtime::ManualLoop& loop, const std::function<bool()>& done) override {
        loop.run_until(done);
    }
    void let_time_pass(runtime::ManualLoop&, Duration ttl) override { etcd::wait_for(ttl); }
    bool compact(Revision revision) override {
        cluster_.ctl({"compact", std::to_string(revision.value)});
        return true;
    }

  private:
    EtcdCluster& cluster_;
    runtime::SystemEntropy entropy_;
    runtime::NoLog log_;
    std::unique_ptr<EtcdBackend> backend_;
};

EtcdCluster& single_member() {
    static EtcdCluster cluster;
    return cluster;
}
EtcdCluster& three_members() {
    static EtcdCluster cluster({.members = 3});
    return cluster;
}

Factory single{"Member",
               [](runtime::ManualLoop&) { return std::make_unique<Etcd>(single_member()); }};
Factory three{"Members",
              [](runtime::ManualLoop&) { return std::make_unique<Etcd>(three_members()); }};
KHRONOS_STORE_CONFORMANCE(EtcdSingle, single);
KHRONOS_STORE_CONFORMANCE(EtcdThree, three);

}  // namespace
}  // namespace khronos::store::conformance
