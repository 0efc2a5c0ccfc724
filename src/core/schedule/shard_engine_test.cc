#include "core/schedule/shard_engine.h"

#include <gtest/gtest.h>

#include <set>

#include "core/schedule/versioning.h"

namespace khronos::core {
namespace {

WallTime at(std::int64_t seconds) { return WallTime::from_seconds(1704067200 + seconds); }

// An engine whose batches a test applies or refuses.
class Shard : public testing::Test {
  protected:
    Shard() { start(); }

    void start(ShardRules rules = {}) {
        engine_.emplace(ShardId(3), rules);
        Cursor begin;
        begin.t = at(0);
        engine_->set_cursor(begin, Revision(1));
    }
    ShardEngine& engine() { return *engine_; }

    Job job(std::uint64_t uid, std::string schedule, std::int64_t created = 0) {
        JobSpec spec;
        spec.name = "job-" + std::to_string(uid);
        spec.schedule = std::move(schedule);
        Cursor cursor;
        cursor.t = at(0);
        return first_version(std::move(spec), JobUid(uid), at(created), cursor, "me");
    }
    void save(const Job& j) {
        EXPECT_TRUE(engine().save_job(j, SharedBytes("record of " + j.spec.name), Revision(5)));
    }
    Job limited(std::uint64_t uid, std::uint32_t most) {
        Job j = job(uid, "* * * * * *");
        j.spec.max_concurrency = most;
        return j;
    }
    // What is decided at that time, applied; nothing if nothing was due.
    std::vector<Decision> decided(std::int64_t now) {
        auto batch = engine().decide(at(now));
        if (!batch) return {};
        engine().applied(Revision(++revision_));
        return std::move(batch->decisions);
    }
    static std::vector<std::int64_t> times(const std::vector<Decision>& decisions) {
        std::vector<std::int64_t> found;
        for (const Decision& d : decisions) found.push_back(d.tick.at.seconds() - at(0).seconds());
        return found;
    }
    Trigger trigger(std::uint64_t uid, std::uint64_t nonce) {
        Trigger t;
        t.id = {JobUid(uid), {TriggerKind::manual, at(1), nonce}, 0};
        t.job_name = "job-" + std::to_string(uid);
        return t;
    }

    std::optional<ShardEngine> engine_;
    std::uint64_t revision_ = 100;
};

using Kind = TickDecision::Kind;

TEST_F(Shard, DecidesNothingBeforeItKnowsItsCursor) {
    ShardEngine fresh(ShardId(1), {});
    EXPECT_TRUE(fresh.save_job(job(1, "* * * * * *"), SharedBytes("x"), Revision(1)));
    EXPECT_FALSE(fresh.decide(at(100)).has_value());
    EXPECT_EQ(fresh.next_due(), WallTime::max());
}

TEST_F(Shard, SaysWhenItIsDue) {
    save(job(1, "*/10 * * * * *"));
    EXPECT_EQ(engine().next_due(), at(10));
    EXPECT_FALSE(engine().decide(at(9)).has_value());
    EXPECT_EQ(times(decided(10)), std::vector<std::int64_t>{10});
    EXPECT_EQ(engine().next_due(), at(20));
}

TEST_F(Shard, TicksOfAnInstantGoTogetherInTheOrderOfUids) {
    save(job(7, "*/10 * * * * *"));
    save(job(2, "*/10 * * * * *"));
    const auto batch = engine().decide(at(10));
    ASSERT_TRUE(batch.has_value());
    ASSERT_EQ(batch->decisions.size(), 2u);
    EXPECT_EQ(batch->decisions[0].id.uid, JobUid(2));
    EXPECT_EQ(batch->decisions[1].id.uid, JobUid(7));
    EXPECT_EQ(batch->cursor_revision, Revision(1));
    EXPECT_EQ(batch->after.t, at(10));
}

TEST_F(Shard, OneBatchAtATime) {
    save(job(1, "* * * * * *"));
    ASSERT_TRUE(engine().decide(at(1)).has_value());
    EXPECT_TRUE(engine().busy());
    EXPECT_FALSE(engine().decide(at(2)).has_value());
    EXPECT_EQ(engine().next_due(), WallTime::max());
}

TEST_F(Shard, WhatWasNotAppliedIsDecidedAgain) {
    save(job(1, "* * * * * *"));
    ASSERT_TRUE(engine().decide(at(1)).has_value());
    engine().not_applied();
    EXPECT_EQ(engine().open_count(JobUid(1)), 0u);
    EXPECT_EQ(engine().next_due(), at(1));
    EXPECT_EQ(times(decided(2)), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(engine().cursor().t, at(2));
}

TEST_F(Shard, ComputesTheNextTickFromTheTickNotFromNow) {
    save(job(1, "@every 10s"));
    EXPECT_EQ(times(decided(13)), std::vector<std::int64_t>{10});
    EXPECT_EQ(engine().next_due(), at(20));
}

TEST_F(Shard, APassThatDoesNotFitGoesOnWhereItStopped) {
    ShardRules rules;
    rules.max_operations = 20;  // ten records
    start(rules);
    for (std::uint64_t uid = 1; uid <= 7; ++uid) save(job(uid, "*/10 * * * * *"));
    std::set<std::pair<std::uint64_t, std::int64_t>> seen;
    std::size_t batches = 0;
    const auto take = [&](std::int64_t now) {
        auto batch = engine().decide(at(now));
        if (!batch) return false;
        EXPECT_LE(batch->decisions.size(), 10u);
        ++batches;
        for (const Decision& d : batch->decisions)
            EXPECT_TRUE(seen.emplace(d.id.uid.value, d.tick.at.seconds()).second);
        engine().applied(Revision(++revision_));
        return true;
    };
    ASSERT_TRUE(take(40));
    EXPECT_EQ(engine().cursor().t, at(0));
    EXPECT_EQ(engine().cursor().pass_end, at(40));
    // More becomes due meanwhile: the pass ends where it was to end.
    while (engine().cursor().pass_end.is_set()) ASSERT_TRUE(take(55));
    EXPECT_EQ(engine().cursor().t, at(40));
    EXPECT_EQ(seen.size(), 28u);
    EXPECT_GE(batches, 3u);
    while (take(55)) {
    }
    EXPECT_EQ(seen.size(), 35u);
}

TEST_F(Shard, AJobThatIsDeletedInTheMiddleOfAPassDoesNotStopIt) {
    ShardRules rules;
    rules.max_operations = 8;
    start(rules);
    save(job(1, "*/10 * * * * *"));
    save(job(2, "*/10 * * * * *"));
    decided(40);
    ASSERT_TRUE(engine().cursor().pass_end.is_set());
    engine().remove_job(JobUid(1));
    engine().remove_job(JobUid(2));
    EXPECT_TRUE(decided(40).empty());
    EXPECT_EQ(engine().cursor().t, at(40));
    EXPECT_FALSE(engine().cursor().pass_end.is_set());
}

TEST_F(Shard, ForbidSkipsAndSaysWhoIsInTheWay) {
    save(limited(1, 1));
    const auto first = decided(1);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_EQ(first[0].slot, 0);
    const auto second = decided(2);
    ASSERT_EQ(second.size(), 1u);
    EXPECT_EQ(second[0].tick.kind, Kind::skip);
    EXPECT_EQ(second[0].tick.reason, Reason::concurrency);
    EXPECT_EQ(second[0].blocked_by, first[0].id);
    engine().remove_open(first[0].id);
    EXPECT_EQ(decided(3)[0].tick.kind, Kind::fire);
}

TEST_F(Shard, TicksThatTheSameRunKeepsOutAreOneRecord) {
    save(limited(1, 1));
    decided(1);
    const auto later = decided(6);
    ASSERT_EQ(later.size(), 1u);
    EXPECT_EQ(later[0].tick.range_from, at(2));
    EXPECT_EQ(later[0].tick.at, at(6));
    EXPECT_EQ(later[0].tick.count, 5u);
    EXPECT_EQ(later[0].id.trigger.at, at(6));
}

TEST_F(Shard, EachRunHasASlotOfItsOwn) {
    save(limited(1, 3));
    EXPECT_EQ(decided(1)[0].slot, 0);
    const auto second = decided(2);
    EXPECT_EQ(second[0].slot, 1);
    EXPECT_EQ(decided(3)[0].slot, 2);
    EXPECT_EQ(decided(4)[0].tick.kind, Kind::skip);
    engine().remove_open(second[0].id);
    EXPECT_EQ(decided(5)[0].slot, 1);
}

TEST_F(Shard, AfterAnEditToForbidEveryOpenRunCounts) {
    Job j = job(1, "* * * * * *");
    save(j);
    decided(2);
    EXPECT_EQ(engine().open_count(JobUid(1)), 2u);
    j.spec.concurrency = Concurrency::forbid;
    save(j);
    EXPECT_EQ(decided(3)[0].tick.reason, Reason::concurrency);
}

TEST_F(Shard, WhatIsAskedForRunsAndIsConsumed) {
    save(job(1, ""));
    engine().add_trigger(trigger(1, 5));
    engine().add_trigger(trigger(1, 5));
    EXPECT_LE(engine().next_due(), at(1));
    const auto decisions = decided(1);
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].id, trigger(1, 5).id);
    EXPECT_TRUE(decisions[0].trigger.has_value());
    EXPECT_TRUE(decided(2).empty());
}

TEST_F(Shard, ATriggerThatAFormerOwnerDecidedTakesNobodysPlace) {
    save(limited(1, 1));
    const Trigger decided_before = trigger(1, 7);
    engine().add_open(decided_before.id, 0);
    engine().add_trigger(decided_before);  // the watch has not told yet that it is consumed
    EXPECT_FALSE(engine().decide(at(0)).has_value());
    EXPECT_EQ(engine().open_count(JobUid(1)), 1u);
    EXPECT_EQ(engine().next_due(), at(1));
}

TEST_F(Shard, WhatIsAskedForOfAJobThatIsGoneIsSkipped) {
    engine().add_trigger(trigger(9, 5));
    const auto decisions = decided(1);
    ASSERT_EQ(decisions.size(), 1u);
    EXPECT_EQ(decisions[0].tick.kind, Kind::skip);
    EXPECT_EQ(decisions[0].tick.reason, Reason::deleted);
}

TEST_F(Shard, MoreTriggersThanFitComeInSeveralBatches) {
    save(job(1, ""));
    for (std::uint64_t i = 0; i < 200; ++i) engine().add_trigger(trigger(1, i));
    std::size_t count = 0;
    for (int i = 0; i < 20; ++i) {
        const auto decisions = decided(1);
        EXPECT_LE(decisions.size() * 3, limits::kTxnOperations);
        count += decisions.size();
    }
    EXPECT_EQ(count, 200u);
}

TEST_F(Shard, AnEditHonoursTheOldVersionUpToItsTime) {
    const Job old = job(1, "*/10 * * * * *");
    Cursor cursor;
    cursor.t = at(0);
    JobSpec changed = old.spec;
    changed.schedule = "*/7 * * * * *";
    save(*next_version(old, changed, at(25), cursor, "me"));
    const auto decisions = decided(30);
    EXPECT_EQ(times(decisions), (std::vector<std::int64_t>{10, 20, 28}));
    EXPECT_EQ(decisions[0].generation, Generation(1));
    EXPECT_EQ(decisions[2].generation, Generation(2));
}

TEST_F(Shard, ADisabledStretchIsRecordedWhenItIsOver) {
    Job j = job(1, "*/10 * * * * *");
    Cursor cursor;
    cursor.t = at(0);
    JobSpec paused = j.spec;
    paused.disabled = true;
    j = *next_version(j, paused, at(5), cursor, "me");
    save(j);
    EXPECT_TRUE(decided(100).empty());
    JobSpec resumed = paused;
    resumed.disabled = false;
    save(*next_version(j, resumed, at(125), cursor, "me"));
    const auto decisions = decided(130);
    ASSERT_EQ(decisions.size(), 2u);
    EXPECT_EQ(decisions[0].tick.reason, Reason::disabled);
    EXPECT_EQ(decisions[0].tick.range_from, at(10));
    EXPECT_EQ(decisions[0].tick.at, at(120));
    EXPECT_EQ(decisions[0].tick.count, 12u);
    EXPECT_EQ(decisions[1].tick.at, at(130));
}

TEST_F(Shard, AStepForwardMakesMissedTicksAndOneTakenBackDoesNot) {
    Job j = job(1, "* * * * * *");
    j.spec.misfire = Misfire::skip;
    save(j);
    engine().clock_stepped(at(30));
    EXPECT_EQ(decided(30).front().tick.reason, Reason::misfire_skip);
    engine().clock_stepped({});
    for (const Decision& d : decided(35)) EXPECT_EQ(d.tick.kind, Kind::fire);
}

TEST_F(Shard, AListForgetsWhatItDoesNotTell) {
    save(job(1, "* * * * * *"));
    save(job(2, "* * * * * *"));
    engine().list_begins();
    save(job(2, "* * * * * *"));
    EXPECT_EQ(engine().list_ends(), std::vector<JobUid>{JobUid(1)});
    EXPECT_EQ(engine().job_count(), 1u);
    EXPECT_EQ(decided(1).size(), 1u);
}

TEST_F(Shard, AnEditWhileABatchIsUnderWayIsNotLost) {
    Job j = job(1, "* * * * * *");
    save(j);
    ASSERT_TRUE(engine().decide(at(1)).has_value());
    j.spec.schedule = "*/5 * * * * *";
    save(j);
    engine().not_applied();
    EXPECT_EQ(times(decided(5)), std::vector<std::int64_t>{5});
}

TEST_F(Shard, AScheduleOfANewerBuildHasNoTicks) {
    EXPECT_FALSE(engine().save_job(job(1, "@lunar full"), SharedBytes("x"), Revision(1)));
    EXPECT_TRUE(decided(1000).empty());
    EXPECT_EQ(engine().job_count(), 1u);
}

TEST_F(Shard, KnowsWhichKeyAJobIs) {
    save(job(1, ""));
    EXPECT_EQ(engine().job_created(JobUid(1)), Revision(5));
    EXPECT_EQ(engine().job_created(JobUid(2)), Revision(0));
}

}  // namespace
}  // namespace khronos::core
