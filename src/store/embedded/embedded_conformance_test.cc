#include "store/conformance.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/embedded/temporary_directory_testing.h"

namespace khronos::store::conformance {
namespace {

class Embedded final : public Backend {
  public:
    Embedded() {
        auto opened = EmbeddedBackend::open(directory_.path() + "/store", {.reserve_bytes = 0});
        if (!opened) ADD_FAILURE() << opened.error().message;
        backend_ = std::move(opened.value());
    }

    std::unique_ptr<Store> open(runtime::ManualLoop& loop) override {
        return std::make_unique<EmbeddedStore>(*backend_, loop);
    }
    void turn(runtime::ManualLoop& loop, const std::function<bool()>& done) override {
        loop.run_until(done);
    }
    void let_time_pass(runtime::ManualLoop& loop, Duration ttl) override { loop.advance(ttl); }
    bool compact(Revision revision) override {
        backend_->compact(revision);
        return true;
    }

  private:
    embedded::TemporaryDirectory directory_;
    std::unique_ptr<EmbeddedBackend> backend_;
};

Factory embedded_factory{"Backend",
                         [](runtime::ManualLoop&) { return std::make_unique<Embedded>(); }};
KHRONOS_STORE_CONFORMANCE(Embedded, embedded_factory);

}  // namespace
}  // namespace khronos::store::conformance
