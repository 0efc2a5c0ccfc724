// The store of a good simulated installation, spoilt by one write each: `khronos verify` has to
// name the invariant.
#include <gtest/gtest.h>

#include <set>

#include "cluster/verify.h"
#include "sim/simulation.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/memory/memory_backend.h"

namespace khronos::sim {
namespace {

using namespace std::chrono_literals;
using core::Execution;
using core::ExecutionState;
using Found = std::set<std::string>;
namespace keys = store::keys;

class SpoiltStore : public testing::Test {
  protected:
    // A minute of a job that fails now and then and may not overlap, and of one that is deleted.
    SpoiltStore() {
        sim_.start_agent();
        sim_.run_until([this] { return sim_.agent_ready(); }, 10s);
        core::JobSpec spec;
        spec.name = "job";
        spec.schedule = "*/3 * * * * *";
        spec.executor = "shell";
        spec.executor_config["command"] = work(100ms, 1s, 30);
        spec.retries = 1;
        spec.concurrency = core::Concurrency::forbid;
        sim_.clients().put(sim_.agent(), spec);
        spec.name = "gone";
        sim_.clients().put(sim_.agent(), spec);
        sim_.run_for(30s);
        sim_.clients().remove(sim_.agent(), "gone");
        sim_.run_for(30s);
        store::Meta meta;
        meta.cluster_id = "simulated";
        write(store::Put{std::string(keys::kMeta), store::encode(meta), {}});
        EXPECT_FALSE(sim_.failed());
    }

    void write(store::Operation operation) {
        bool over = false;
        handle_.write({{}, {std::move(operation)}}, [&](const store::WriteOutcome& outcome) {
            over = std::holds_alternative<store::Applied>(outcome);
        });
        turn(over);
    }
    std::vector<store::KeyValue> all(std::string_view prefix) {
        std::vector<store::KeyValue> found;
        bool over = false;
        handle_.range({std::string(prefix), store::prefix_end(prefix), 10'000}, [&](auto got) {
            found = std::move(got.value().kvs);
            over = true;
        });
        turn(over);
        return found;
    }
    // The world stands still but for this: its judge must not see what is spoilt.
    void turn(const bool& over) {
        for (int i = 0; i < 1'000'000 && !over; ++i)
            sim_.world().run_one(sim_.world().now() + 1s);
        ASSERT_TRUE(over);
    }
    // An execution of the job from the middle of its history, for which `is` holds.
    template <class Is>
    Execution find(Is is) {
        for (const auto& kv : all("executions/")) {
            auto record = store::decode<Execution>(kv.value.view()).value();
            if (record.job_name == "job" && record.scheduled_at > sim_.wall() - 40s && is(record))
                return record;
        }
        throw std::runtime_error("there is nothing to spoil");
    }
    void save(const Execution& record) {
        write(store::Put{keys::execution(record.id), store::encode(record), {}});
    }
    static bool succeeded(const Execution& e) { return e.state == ExecutionState::succeeded; }

    Found found(cluster::VerifyOptions options = {}) {
        Found invariants;
        bool over = false;
        cluster::verify_store(
            handle_, sim_.fate(), std::move(options),
            [&](const cluster::VerifiedJob& job) {
                for (const verify::Finding& one : job.verdict.findings)
                    invariants.insert(one.invariant);
            },
            {},
            [&](auto verified) {
                over = true;
                if (!verified) {
                    invariants.insert(verified.error().message);
                    return;
                }
                verified_ = *verified;
                for (const verify::Finding& one : verified->others)
                    invariants.insert(one.invariant);
            });
        turn(over);
        return invariants;
    }

    Simulation sim_{{}};
    store::MemoryStore handle_{sim_.store(), sim_.fate(), "spoiler"};
    cluster::Verified verified_;
};

TEST_F(SpoiltStore, IsGoodBefore) {
    EXPECT_EQ(found(), Found{});
    EXPECT_EQ(verified_.jobs, 2u);
    EXPECT_GE(verified_.ticks, 25u);
    EXPECT_GE(verified_.records, 25u);
}

TEST_F(SpoiltStore, ATickWithoutARecord) {
    write(store::Erase{keys::execution(find(succeeded).id)});
    EXPECT_EQ(found(), Found{"I1"});
}

TEST_F(SpoiltStore, ARecordOfNoTick) {
    Execution extra = find(succeeded);
    extra.scheduled_at = extra.id.trigger.at = extra.scheduled_at + 1s;
    save(extra);
    EXPECT_TRUE(found().contains("I1"));
}

TEST_F(SpoiltStore, ADecisionBeyondTheCursor) {
    Execution extra = find(succeeded);
    extra.scheduled_at = extra.id.trigger.at = extra.scheduled_at + 1h;
    extra.started_at = extra.finished_at = extra.scheduled_at;
    save(extra);
    EXPECT_EQ(found(), Found{"I12"});
}

TEST_F(SpoiltStore, ATokenThatWasNeverGiven) {
    Execution record = find(succeeded);
    record.token = FenceToken(1ULL << 40);
    save(record);
    EXPECT_EQ(found(), Found{"I14"});
}

TEST_F(SpoiltStore, ASlotThatIsLeftOver) {
    const Execution ended = find(succeeded);
    write(store::Put{keys::slot(ended.id.uid, 7), core::to_text(ended.id), {}});
    EXPECT_EQ(found(), Found{"I16"});
}

TEST_F(SpoiltStore, AnOpenMarkThatIsLeftOver) {
    const Execution ended = find(succeeded);
    write(store::Put{keys::open(shard_of("job"), ended.id), "", {}});
    EXPECT_EQ(found(), Found{"I16"});
}

TEST_F(SpoiltStore, AnOpenExecutionThatNobodyKnowsOf) {
    Execution record = find(succeeded);
    record.state = ExecutionState::waiting;
    record.worker.clear();
    record.slot = -1;
    save(record);
    EXPECT_TRUE(found().contains("I16"));
}

TEST_F(SpoiltStore, ARecordOfAJobThatNeverWas) {
    Execution record = find(succeeded);
    record.id.uid = JobUid(1);
    save(record);
    EXPECT_EQ(found(), Found{"I8"});
}

TEST_F(SpoiltStore, ARecordUnderAnothersKey) {
    const Execution record = find(succeeded);
    core::ExecutionId other = record.id;
    other.index = 3;
    write(store::Put{keys::execution(other), store::encode(record), {}});
    EXPECT_EQ(found(), Found{"I13"});
}

TEST_F(SpoiltStore, ARecordThatCannotBeRead) {
    const Execution record = find(succeeded);
    write(store::Put{keys::execution(record.id), "\xff\xff", {}});
    EXPECT_TRUE(found().contains("I13"));
}

TEST_F(SpoiltStore, ACursorThatIsFarAhead) {
    core::Cursor cursor;
    cursor.t = sim_.wall() + 2h;
    write(store::Put{keys::shard_cursor(ShardId(200)), store::encode(cursor), {}});
    EXPECT_EQ(found(), Found{"I12"});
}

TEST_F(SpoiltStore, ADeletedJobIsHeldToItsEnd) {
    Execution extra = find(succeeded);
    for (const auto& kv : all("versions/")) {
        auto version = store::decode<store::JobVersion>(kv.value.view()).value();
        if (!version.deleted) continue;
        extra.id.uid = version.job.uid;
        extra.job_name = version.job.spec.name;
        extra.generation = version.job.generation;
        extra.scheduled_at = extra.id.trigger.at = version.ended_at.floor_second() + 60s;
    }
    extra.started_at = extra.finished_at = extra.scheduled_at;
    save(extra);
    EXPECT_EQ(found(), Found{"I15"});
}

TEST_F(SpoiltStore, OneJobAlone) {
    write(store::Erase{keys::execution(find(succeeded).id)});
    cluster::VerifyOptions options;
    options.only_job = "job";
    EXPECT_EQ(found(options), Found{"I1"});
    EXPECT_EQ(verified_.jobs, 1u);
    options.only_job = "nonesuch";
    EXPECT_EQ(found(options), Found{"there is no job 'nonesuch'"});
}

TEST_F(SpoiltStore, NoKhronosStoreAtAll) {
    write(store::Erase{std::string(keys::kMeta)});
    EXPECT_EQ(found(), Found{"there is no Khronos store in there"});
}

}  // namespace
}  // namespace khronos::sim
