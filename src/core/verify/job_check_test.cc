// Good histories of a job, spoilt by one fact each: the checker has to name the invariant, and
// nothing else. And what it must not call a fault: history that was forgotten.
#include "core/verify/job_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace khronos::verify {
namespace {

using core::Execution;
using core::ExecutionState;
using core::Reason;
using Found = std::set<std::string>;

constexpr std::int64_t kBegin = 1704067200;

WallTime second(std::int64_t s) {
    return WallTime::from_seconds(kBegin + s);
}

// A job of every ten seconds, from 0 to `ticks` * 10, each run for two seconds.
class HistoryOfAJob : public testing::Test {
  protected:
    HistoryOfAJob() {
        core::Job job;
        job.uid = JobUid(7);
        job.generation = Generation(1);
        job.spec.name = "job";
        job.spec.schedule = "*/10 * * * * *";
        job.spec.concurrency = core::Concurrency::forbid;
        job.spec.retries = 1;
        job.effective_from = second(0);
        history_.uid = job.uid;
        history_.name = "job";
        history_.versions = {job};
        history_.decided = second(205);
        for (std::int64_t t = 10; t <= 200; t += 10)
            history_.records.push_back(ran(t));
    }

    static Execution ran(std::int64_t t) {
        Execution e;
        e.id = {JobUid(7), {core::TriggerKind::tick, second(t), 0}, 0};
        e.job_name = "job";
        e.generation = Generation(1);
        e.state = ExecutionState::succeeded;
        e.scheduled_at = second(t);
        e.decided_at = second(t);
        e.token = FenceToken(static_cast<std::uint64_t>(1000 + t));
        e.worker = "w";
        e.dispatched_at = second(t);
        e.started_at = second(t);
        e.finished_at = second(t + 2);
        e.slot = 0;
        return e;
    }
    static Execution skipped(std::int64_t from, std::int64_t to, std::uint32_t count, Reason why) {
        Execution e;
        e.id = {JobUid(7), {core::TriggerKind::tick, second(to), 0}, 0};
        e.job_name = "job";
        e.generation = Generation(1);
        e.state = ExecutionState::skipped;
        e.reason = why;
        e.scheduled_at = second(to);
        e.decided_at = second(to);
        if (from != to) e.range_from = second(from);
        e.range_count = count;
        return e;
    }
    Execution& at(std::int64_t t) {
        for (Execution& e : history_.records)
            if (e.scheduled_at == second(t)) return e;
        throw std::runtime_error("no such record");
    }
    void forget(std::int64_t from, std::int64_t to) {
        std::erase_if(history_.records, [&](const Execution& e) {
            return e.scheduled_at >= second(from) && e.scheduled_at <= second(to);
        });
    }
    // Replaces what was decided from one tick to another by one record.
    void instead(std::int64_t from, std::int64_t to, Execution record) {
        forget(from, to);
        auto after = history_.records.begin();
        while (after != history_.records.end() && after->id < record.id)
            ++after;
        history_.records.insert(after, std::move(record));
    }
    core::Job next_version(std::int64_t from, const std::function<void(core::JobSpec&)>& edit) {
        core::Job job = history_.versions.back();
        job.generation = job.generation.next();
        job.effective_from = second(from);
        edit(job.spec);
        history_.versions.push_back(job);
        return job;
    }

    JobVerdict verdict() {
        Ticks ticks;
        return check_job(history_, ticks, {});
    }
    Found found() {
        Found invariants;
        for (const Finding& finding : verdict().findings)
            invariants.insert(finding.invariant);
        return invariants;
    }
    std::string first_text() {
        const auto findings = verdict().findings;
        return findings.empty() ? "" : findings.front().text;
    }

    JobHistory history_;
};

TEST_F(HistoryOfAJob, IsGoodBefore) {
    EXPECT_EQ(found(), Found{}) << first_text();
    EXPECT_EQ(verdict().ticks, 20u);
    EXPECT_EQ(verdict().ticks_unknown, 0u);
    EXPECT_EQ(verdict().unknown, "");
}

TEST_F(HistoryOfAJob, ATickIsLost) {
    forget(100, 100);
    EXPECT_EQ(found(), Found{"I1"});
    EXPECT_NE(first_text().find("2024-01-01T00:01:40Z"), std::string::npos) << first_text();
}

TEST_F(HistoryOfAJob, TheLastTickIsLost) {
    forget(200, 200);
    EXPECT_EQ(found(), Found{"I1"});
}

TEST_F(HistoryOfAJob, ManyLostTicksAreToldInFew) {
    forget(20, 190);
    EXPECT_EQ(verdict().findings.size(), 11u);
}

TEST_F(HistoryOfAJob, ARecordOfNoTick) {
    history_.records.insert(history_.records.begin() + 5, ran(55));
    EXPECT_TRUE(found().contains("I1"));
}

TEST_F(HistoryOfAJob, ATickIsDecidedTwice) {
    Execution range = skipped(80, 90, 2, Reason::misfire_skip);
    instead(90, 90, range);
    EXPECT_EQ(found(), Found{"I1"});
    EXPECT_NE(first_text().find("twice"), std::string::npos) << first_text();
}

TEST_F(HistoryOfAJob, ARangeIsOneRecordOfItsTicks) {
    instead(50, 90, skipped(50, 90, 5, Reason::misfire_skip));
    EXPECT_EQ(found(), Found{}) << first_text();
    at(90).range_count = 4;
    EXPECT_EQ(found(), Found{"I1"});
}

TEST_F(HistoryOfAJob, ADecisionBeyondTheCursor) {
    history_.records.push_back(ran(210));
    EXPECT_EQ(found(), Found{"I12"});
}

TEST_F(HistoryOfAJob, ADecisionAfterTheJobWasDeleted) {
    history_.deleted_at = history_.decided = second(195);
    EXPECT_EQ(found(), Found{"I15"});
}

TEST_F(HistoryOfAJob, ADecisionOfAVersionThatWasNeverSaved) {
    at(50).generation = Generation(9);
    EXPECT_EQ(found(), Found{"I8"});
}

TEST_F(HistoryOfAJob, ADecisionOfAJobThatNeverWas) {
    history_.versions.clear();
    EXPECT_EQ(found(), Found{"I8"});
}

TEST_F(HistoryOfAJob, AStartBeforeItsTime) {
    at(50).started_at = second(40);
    EXPECT_TRUE(found().contains("I9"));
}

TEST_F(HistoryOfAJob, TwoRunsOfAForbidJobAtATime) {
    at(50).finished_at = second(68);
    EXPECT_EQ(found(), Found{"I5"});
    history_.versions.back().spec.concurrency = core::Concurrency::allow;
    EXPECT_EQ(found(), Found{}) << "they may";
}

TEST_F(HistoryOfAJob, ClocksThatDifferALittleMakeNoOverlap) {
    at(50).finished_at = second(61);
    EXPECT_EQ(found(), Found{}) << first_text();
}

TEST_F(HistoryOfAJob, ARunGoesOnAfterItsSuccess) {
    Execution& e = at(50);
    e.attempts.push_back({AttemptNo(1), FenceToken(1001), "w", "n", second(50), second(51),
                          ExecutionState::succeeded, 0, 0, ""});
    e.attempt = AttemptNo(2);
    e.started_at = second(51);
    EXPECT_EQ(found(), Found{"I6"});
}

TEST_F(HistoryOfAJob, AttemptsOfOneRunOverlap) {
    Execution& e = at(50);
    e.attempts.push_back({AttemptNo(1), FenceToken(1001), "w", "n", second(50), second(57),
                          ExecutionState::failed, 1, 0, ""});
    e.attempt = AttemptNo(2);
    e.failed_count = 1;
    e.started_at = second(52);
    e.finished_at = second(58);
    EXPECT_EQ(found(), Found{"I4"});
}

TEST_F(HistoryOfAJob, ATokenThatDoesNotGrow) {
    Execution& e = at(50);
    e.attempts.push_back({AttemptNo(1), FenceToken(5000), "w", "n", second(50), second(51),
                          ExecutionState::failed, 1, 0, ""});
    e.attempt = AttemptNo(2);
    e.started_at = second(51);
    EXPECT_EQ(found(), Found{"I14"});
}

TEST_F(HistoryOfAJob, AttemptsBeyondTheCap) {
    at(50).failed_count = 3;
    EXPECT_EQ(found(), Found{"I11"});
}

TEST_F(HistoryOfAJob, ASuccessThatNeverRan) {
    at(50).worker.clear();
    EXPECT_EQ(found(), Found{"I13"});
}

TEST_F(HistoryOfAJob, ACoalescedTickWhoseHeirIsNone) {
    Execution e = skipped(50, 50, 1, Reason::misfire_once);
    e.state = ExecutionState::coalesced;
    e.coalesced_into = second(60);
    instead(50, 50, e);
    EXPECT_EQ(found(), Found{}) << first_text();
    instead(60, 60, skipped(60, 60, 1, Reason::misfire_skip));
    EXPECT_EQ(found(), Found{"I21"});
}

// ---- versions

TEST_F(HistoryOfAJob, ADisabledStretchIsOneRecord) {
    next_version(95, [](core::JobSpec& spec) { spec.disabled = true; });
    next_version(145, [](core::JobSpec& spec) { spec.disabled = false; });
    instead(100, 140, skipped(100, 140, 5, Reason::disabled));
    EXPECT_EQ(found(), Found{}) << first_text();
    instead(100, 140, ran(120));
    EXPECT_EQ(found(), Found{"I21"}) << "it ran while it was disabled";
}

TEST_F(HistoryOfAJob, AJobThatIsDisabledNowHasNoRecordsSince) {
    next_version(95, [](core::JobSpec& spec) { spec.disabled = true; });
    forget(100, 200);
    EXPECT_EQ(found(), Found{}) << first_text();
}

TEST_F(HistoryOfAJob, AnEditChangesWhatIsDue) {
    next_version(102, [](core::JobSpec& spec) { spec.schedule = "0 * * * * *"; });
    EXPECT_EQ(found(), Found{"I1"});
    for (std::int64_t t = 110; t <= 200; t += 10)
        if (t % 60 != 0) forget(t, t);
    EXPECT_EQ(found(), Found{}) << first_text();
}

TEST_F(HistoryOfAJob, AnAtThatWasDueWhenItWasSavedIsATick) {
    history_.versions.back().spec.schedule = "@at 2024-01-01T00:00:00Z";
    history_.versions.back().effective_from = second(3);
    history_.records = {ran(0)};
    EXPECT_EQ(found(), Found{}) << first_text();
}

// ---- what cannot be told

TEST_F(HistoryOfAJob, WhatLiesBeforeTheFirstRecordMayBeForgotten) {
    forget(10, 50);
    EXPECT_EQ(found(), Found{}) << first_text();
    EXPECT_EQ(verdict().ticks, 15u);
}

TEST_F(HistoryOfAJob, WhatIsBehindTheHistoryLimitMayBeForgotten) {
    history_.versions.back().spec.history_limit = 5;
    forget(100, 140);
    EXPECT_EQ(found(), Found{}) << first_text();
    EXPECT_EQ(verdict().ticks_unknown, 5u);
    forget(180, 180);
    EXPECT_EQ(found(), Found{"I1"}) << "only two came after it";
}

TEST_F(HistoryOfAJob, HistoryThatWasErasedWhileARunWentOnIsNotLost) {
    forget(20, 100);
    at(10).finished_at = second(105);
    at(10).slot = -1;
    history_.versions.back().spec.concurrency = core::Concurrency::allow;
    EXPECT_EQ(found(), Found{}) << first_text();
    EXPECT_EQ(verdict().ticks_unknown, 9u);
}

TEST_F(HistoryOfAJob, AVersionThatIsNotKeptIsNotKnown) {
    next_version(95, [](core::JobSpec&) {});
    next_version(145, [](core::JobSpec&) {});
    history_.versions.erase(history_.versions.begin() + 1);
    forget(110, 110);
    EXPECT_EQ(found(), Found{}) << first_text();
    EXPECT_NE(verdict().unknown, "");
}

TEST_F(HistoryOfAJob, AScheduleThatTheOracleDoesNotKnowIsNotKnown) {
    history_.versions.back().spec.schedule = "H * * * * *";
    EXPECT_EQ(found(), Found{}) << first_text();
    EXPECT_NE(verdict().unknown, "");
}

}  // namespace
}  // namespace khronos::verify
