// How a store is walked. What is found in it: sim/spoilt_store_test.cc.
#include "cluster/verify.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "runtime/manual_loop.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/memory/memory_backend.h"

namespace khronos::cluster {
namespace {

namespace keys = store::keys;

class VerifyStore : public testing::Test {
  protected:
    VerifyStore() {
        store::Meta meta;
        meta.cluster_id = "c";
        put(std::string(keys::kMeta), store::encode(meta));
    }
    void put(std::string key, std::string value) {
        store_.write({{}, {store::Put{std::move(key), std::move(value), {}}}},
                     [](const store::WriteOutcome&) {});
        loop_.run_until_idle();
    }
    void put_job(std::uint64_t uid, const std::string& name) {
        core::Job job;
        job.uid = JobUid(uid);
        job.spec.name = name;
        job.effective_from = loop_.wall_now();
        put(keys::job(name), store::encode(job));
    }
    std::expected<Verified, Error> verified(VerifyOptions options = {}) {
        std::optional<std::expected<Verified, Error>> result;
        verify_store(
            store_, loop_, std::move(options),
            [this](const VerifiedJob& job) { told_.insert(job.name); },
            [this](const VerifyProgress& progress) { progress_ = progress; },
            [&](auto done) {
                EXPECT_FALSE(result) << "told twice";
                result = std::move(done);
            });
        loop_.run_until_idle();
        return result.value();
    }

    runtime::ManualLoop loop_;
    store::MemoryBackend backend_{loop_};
    store::MemoryStore store_{backend_, loop_, "verify"};
    std::multiset<std::string> told_;
    VerifyProgress progress_;
};

TEST_F(VerifyStore, TellsOfEveryJobOnce) {
    for (std::uint64_t i = 1; i <= 100; ++i)
        put_job(i, "job" + std::to_string(i));
    const auto result = verified();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->jobs, 100u);
    EXPECT_EQ(told_.size(), 100u);
    EXPECT_EQ(told_.count("job57"), 1u);
    EXPECT_EQ(progress_.done, 100u);
    EXPECT_EQ(progress_.of, 100u);
}

TEST_F(VerifyStore, TellsWhatIsOfNoJobOnceHoweverManyJobsThereAre) {
    for (std::uint64_t i = 1; i <= 40; ++i)
        put_job(i, "job" + std::to_string(i));
    core::Cursor ahead;
    ahead.t = loop_.wall_now() + 1h;
    put(keys::shard_cursor(ShardId(3)), store::encode(ahead));
    put(keys::open(ShardId(3), {JobUid(1), {}, 0}), "");
    const auto result = verified();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->others.size(), 2u);
    EXPECT_EQ(result->findings, 2u);
}

TEST_F(VerifyStore, AnEmptyStoreIsGood) {
    const auto result = verified();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->jobs, 0u);
    EXPECT_EQ(result->findings, 0u);
}

TEST_F(VerifyStore, AStoreThatDoesNotAnswerIsAnError) {
    struct Refusing final : store::FaultPlan {
        store::RequestFault on_request(const store::RequestInfo& info) override {
            if (info.kind != store::RequestKind::range) return {};
            return {store::RequestFault::Fate::refuse, Duration(0), Duration(0)};
        }
    } refusing;
    put_job(1, "job");
    backend_.set_faults(&refusing);
    const auto result = verified();
    backend_.set_faults(nullptr);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace khronos::cluster
