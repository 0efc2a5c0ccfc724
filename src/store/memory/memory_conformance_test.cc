#include "store/conformance.h"
#include "store/memory/memory_backend.h"

namespace khronos::store::conformance {
namespace {

class Memory final : public Backend {
  public:
    explicit Memory(runtime::ManualLoop& loop) : backend_(loop) {}

    std::unique_ptr<Store> open(runtime::ManualLoop& loop) override {
        return std::make_unique<MemoryStore>(backend_, loop);
    }
    void turn(runtime::ManualLoop& loop, const std::function<bool()>& done) override {
        loop.run_until_idle();
        ASSERT_TRUE(done()) << "the loop ran dry";
    }
    void let_time_pass(runtime::ManualLoop& loop, Duration ttl) override { loop.advance(ttl); }
    bool compact(Revision revision) override {
        backend_.compact(revision);
        return true;
    }

  private:
    MemoryBackend backend_;
};

Factory memory{"Backend", [](runtime::ManualLoop& loop) { return std::make_unique<Memory>(loop); }};
KHRONOS_STORE_CONFORMANCE(Memory, memory);

}  // namespace
}  // namespace khronos::store::conformance
