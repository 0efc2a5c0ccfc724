#include "cluster/migrate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/limits.h"
#include "cluster/meta.h"
#include "runtime/manual_loop.h"
#include "store/keys.h"
#include "store/memory/memory_backend.h"

namespace khronos::cluster {
namespace {

using store::KeyValue;
using testing::HasSubstr;
namespace keys = store::keys;

class NullEntropy final : public runtime::Entropy {
  public:
    std::uint64_t next() override { return 7; }
};

class Migrating : public testing::Test {
  protected:
    Migrating() {
        store::Meta meta;
        meta.cluster_id = "mine";
        meta.token_base = 5000;
        put(source_, "meta", store::encode(meta));
        put(source_, "jobs/a", "job a");
        for (std::uint16_t n = 0; n < kShardCount; ++n) {
            put(source_, keys::shard_owner(ShardId(n)),
                store::encode(core::Owner{"", Epoch(3), "", ""}));
            core::Cursor cursor;
            cursor.t = WallTime::from_seconds(1700000000 + n);
            put(source_, keys::shard_cursor(ShardId(n)), store::encode(cursor));
        }
    }

    Revision put(store::Store& to, std::string key, std::string value, LeaseId lease = {}) {
        Revision at;
        to.write({{}, {store::Put{std::move(key), std::move(value), lease}}},
                 [&](const store::WriteOutcome& outcome) {
                     at = std::get<store::Applied>(outcome).revision;
                 });
        loop_.run_until_idle();
        return at;
    }
    std::optional<KeyValue> get(store::Store& from, std::string key) {
        std::optional<KeyValue> found;
        from.get(std::move(key), [&](auto got) { found = got.value().kv; });
        loop_.run_until_idle();
        return found;
    }
    std::vector<KeyValue> all(store::Store& from) {
        std::vector<KeyValue> found;
        from.range({"", "\xff", 1000000}, [&](auto got) { found = std::move(got.value().kvs); });
        loop_.run_until_idle();
        return found;
    }
    std::expected<Migrated, Error> move(MigrateOptions options = {}) {
        std::optional<std::expected<Migrated, Error>> result;
        migrate(
            source_, target_, loop_, options,
            [this](const MigrateProgress& progress) {
                progress_ = progress;
                if (meanwhile_) std::exchange(meanwhile_, nullptr)();
            },
            [&](auto done) { result = std::move(done); });
        loop_.run_until_idle();
        for (int i = 0; i < 1000 && !result; ++i)
            loop_.advance(1s);
        if (!result) throw std::runtime_error("the migration never ended");
        return *result;
    }
    // Nothing was written, and why.
    std::string refusal(MigrateOptions options = {}) {
        const auto result = move(options);
        if (result) return "it was carried out";
        EXPECT_EQ(result.error().kind, ErrorKind::refused);
        EXPECT_EQ(target_backend_.state().revision(), Revision(1)) << "something was written";
        return result.error().message;
    }
    store::Meta meta_of(store::Store& from) {
        return store::decode<store::Meta>(get(from, "meta").value().value.view()).value();
    }
    // What an agent says that begins on the target.
    std::expected<store::Meta, Error> opened() {
        std::optional<std::expected<store::Meta, Error>> result;
        NullEntropy entropy;
        open_meta(target_, loop_, entropy, [&](auto meta) { result = std::move(meta); });
        loop_.run_until_idle();
        return result.value();
    }

    runtime::ManualLoop loop_;
    store::MemoryBackend source_backend_{loop_}, target_backend_{loop_};
    store::MemoryStore source_{source_backend_, loop_, "source"};
    store::MemoryStore target_{target_backend_, loop_, "target"};
    MigrateProgress progress_;
    std::function<void()> meanwhile_;
};

TEST_F(Migrating, MovesEveryKeyAndValue) {
    for (int i = 0; i < 2500; ++i)
        put(source_, "executions/" + std::to_string(i),
            std::string(static_cast<std::size_t>(i % 50), 'x'));
    for (int i = 0; i < 20; ++i)
        put(source_, "jobs/large" + std::to_string(i), std::string(limits::kJobDocumentBytes, 'y'));
    put(source_,
        keys::open(ShardId(1),
                   {JobUid(1), {core::TriggerKind::tick, WallTime::from_seconds(1), 0}, 0}),
        "");
    const auto result = move();
    ASSERT_TRUE(result) << result.error().message;

    auto was = all(source_), is = all(target_);
    ASSERT_EQ(was.size(), is.size());
    for (std::size_t i = 0; i < was.size(); ++i) {
        EXPECT_EQ(was[i].key, is[i].key);
        if (was[i].key != keys::kMeta) {
            EXPECT_EQ(was[i].value, is[i].value) << was[i].key;
        }
    }
    EXPECT_EQ(result->keys, was.size() - 1);
    EXPECT_EQ(result->open, 1u);
    EXPECT_EQ(progress_.copied, was.size() - 1);
    EXPECT_EQ(progress_.compared, was.size());
}

TEST_F(Migrating, KeepsTheClusterAndWhatIsDecided) {
    ASSERT_TRUE(move());
    EXPECT_EQ(opened().value().cluster_id, "mine");
    EXPECT_FALSE(meta_of(target_).incomplete);
    const auto cursor = store::decode<core::Cursor>(
        get(target_, keys::shard_cursor(ShardId(9))).value().value.view());
    EXPECT_EQ(cursor.value().t, WallTime::from_seconds(1700000009));
}

TEST_F(Migrating, RaisesTheTokenBaseAboveEveryTokenOfTheSource) {
    const Revision last = put(source_, "executions/last", "claimed");
    const std::uint64_t greatest = meta_of(source_).token_base + last.value;
    ASSERT_TRUE(move());
    const std::uint64_t next = meta_of(target_).token_base + put(target_, "a", "claim").value;
    EXPECT_GT(next, greatest);
    // And back again.
    const std::uint64_t second = meta_of(target_).token_base;
    EXPECT_GE(second, greatest);
}

TEST_F(Migrating, LeavesTheSourceAsItIs) {
    const Revision before = source_backend_.state().revision();
    ASSERT_TRUE(move());
    EXPECT_EQ(source_backend_.state().revision(), before);
}

TEST_F(Migrating, RefusesASourceThatAnAgentWorksOn) {
    put(source_, "agents/one", "session");
    EXPECT_THAT(refusal(), HasSubstr("agents/one"));
    MigrateOptions options;
    options.owners_are_dead = true;  // says nothing of the living
    EXPECT_THAT(refusal(options), HasSubstr("stop all agents"));
}

TEST_F(Migrating, RefusesShardsThatWereNotGivenBackUnlessTheirOwnerIsDead) {
    put(source_, keys::shard_owner(ShardId(4)),
        store::encode(core::Owner{"id4", Epoch(4), "alpha", ""}));
    EXPECT_THAT(refusal(), testing::AllOf(HasSubstr("1 shards"), HasSubstr("alpha")));
    MigrateOptions options;
    options.owners_are_dead = true;
    EXPECT_TRUE(move(options));
}

TEST_F(Migrating, RefusesATargetThatIsNotEmpty) {
    put(target_, "jobs/b", "1");
    const auto result = move();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::refused);
    EXPECT_THAT(result.error().message, HasSubstr("jobs/b"));
    EXPECT_EQ(all(target_).size(), 1u);
}

TEST_F(Migrating, RefusesASourceThatIsNone) {
    source_.write({{}, {store::Erase{"meta"}}}, [](const auto&) {});
    loop_.run_until_idle();
    EXPECT_THAT(refusal(), HasSubstr("no Khronos store"));
    store::Meta meta;
    meta.cluster_id = "mine";
    meta.format_version = store::kFormatVersion + 1;
    put(source_, "meta", store::encode(meta));
    EXPECT_THAT(refusal(), HasSubstr("newer version"));
}

TEST_F(Migrating, RefusesKeysThatLiveAsLongAsASession) {
    LeaseId lease;
    source_.lease_grant(1h, [&](auto id) { lease = id.value(); });
    loop_.run_until_idle();
    put(source_, "workers/w1", "on a lease", lease);
    const auto result = move();
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("workers/w1"));
    EXPECT_THAT(opened().error().message, HasSubstr("did not end"));
}

TEST_F(Migrating, WhatTheSourceIsToldMeanwhileIsFound) {
    meanwhile_ = [this] {
        source_.write({{}, {store::Put{"jobs/a", "edited", {}}}}, [](const auto&) {});
    };
    const auto result = move();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::conflict);
    EXPECT_THAT(result.error().message, HasSubstr("'jobs/a'"));
    EXPECT_THAT(opened().error().message, HasSubstr("did not end"));
}

TEST_F(Migrating, AnAgentThatBeginsMeanwhileIsFound) {
    meanwhile_ = [this] {
        for (store::Store* one : std::initializer_list<store::Store*>{&source_, &target_})
            one->write({{}, {store::Put{"agents/late", "", {}}}}, [](const auto&) {});
    };
    const auto result = move();
    ASSERT_FALSE(result);
    EXPECT_THAT(result.error().message, HasSubstr("agents/late"));
}

class Faults final : public store::FaultPlan {
  public:
    explicit Faults(std::function<store::RequestFault::Fate(int)> fate) : fate_(std::move(fate)) {}
    store::RequestFault on_request(const store::RequestInfo& info) override {
        if (info.kind != store::RequestKind::write) return {};
        return {fate_(++writes_), Duration(0), 10ms};
    }

  private:
    std::function<store::RequestFault::Fate(int)> fate_;
    int writes_ = 0;
};

TEST_F(Migrating, WritesWhoseAnswerIsLostAreReadBack) {
    Faults faults([](int n) {
        return n % 3 == 0   ? store::RequestFault::Fate::lose_answer
               : n % 3 == 1 ? store::RequestFault::Fate::lose_request
                            : store::RequestFault::Fate::carry_out;
    });
    target_backend_.set_faults(&faults);
    ASSERT_TRUE(move());
    target_backend_.set_faults(nullptr);
    EXPECT_EQ(all(target_).size(), all(source_).size());
}

TEST_F(Migrating, WhatStopsHalfWayIsAStoreThatNobodyWorksOn) {
    Faults faults([](int n) {
        return n <= 3 ? store::RequestFault::Fate::carry_out : store::RequestFault::Fate::refuse;
    });
    target_backend_.set_faults(&faults);
    const auto result = move();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
    EXPECT_GT(all(target_).size(), 1u);
    target_backend_.set_faults(nullptr);
    EXPECT_THAT(opened().error().message, HasSubstr("did not end"));
    EXPECT_THAT(move().error().message, HasSubstr("not empty"));
}

}  // namespace
}  // namespace khronos::cluster
