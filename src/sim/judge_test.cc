// Good histories, spoilt by one fact each: the judge has to name the invariant.
#include "sim/judge.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/simulation.h"

namespace khronos::sim {
namespace {

using namespace std::chrono_literals;
using core::Execution;
using core::ExecutionState;
using Histories = std::vector<TxnSeen>;
using Found = std::set<std::string>;

class SpoiltHistory : public testing::Test {
  protected:
    // Two minutes of a job that fails now and then and may not overlap.
    SpoiltHistory() {
        SimulationOptions options;
        options.keep_history = true;
        sim_ = std::make_unique<Simulation>(std::move(options));
        sim_->start_agent();
        sim_->run_until([this] { return sim_->agent_ready(); }, 10s);
        core::JobSpec spec;
        spec.name = "job";
        spec.schedule = "*/3 * * * * *";
        spec.executor = "shell";
        spec.executor_config["command"] = work(100ms, 5s, 30);
        spec.retries = 1;
        spec.concurrency = core::Concurrency::forbid;
        sim_->clients().put(sim_->agent(), spec);
        sim_->run_for(2min);
        sim_->clients().edit(sim_->agent(), "job",
                             [](core::JobSpec& changed) { changed.disabled = true; });
        sim_->run_for(30s);
        EXPECT_FALSE(sim_->failed());
        EXPECT_TRUE(sim_->at_rest());
        history_ = sim_->history();
    }

    Found judged() {
        Report report(std::as_const(*sim_).world());
        Judge judge(report, std::as_const(*sim_).world(), sim_->clock(), sim_->fleet(),
                    sim_->ledger(), nullptr);
        for (const TxnSeen& txn : history_) {
            judge.read(txn);
            if (!report.violations().empty()) break;
        }
        if (report.violations().empty()) judge.check_at_rest();
        Found found;
        for (const Violation& violation : report.violations()) found.insert(violation.invariant);
        return found;
    }
    // A transaction in the middle with a record for which `is` holds, and its place there.
    template <class Is>
    std::pair<std::ptrdiff_t, std::ptrdiff_t> find(Is is) {
        for (std::size_t i = history_.size() / 2; i < history_.size(); ++i)
            for (std::size_t j = 0; j < history_[i].records.size(); ++j)
                if (is(history_[i].records[j]))
                    return {static_cast<std::ptrdiff_t>(i), static_cast<std::ptrdiff_t>(j)};
        ADD_FAILURE() << "there is nothing to spoil";
        return {0, 0};
    }
    TxnSeen& txn(std::ptrdiff_t i) { return history_[static_cast<std::size_t>(i)]; }
    Execution& record(std::ptrdiff_t i, std::ptrdiff_t j) {
        return txn(i).records[static_cast<std::size_t>(j)];
    }
    static bool fires(const Execution& e) { return e.state == ExecutionState::waiting; }

    std::unique_ptr<Simulation> sim_;
    Histories history_;
};

TEST_F(SpoiltHistory, IsGoodBefore) { EXPECT_EQ(judged(), Found{}); }

TEST_F(SpoiltHistory, ATickWithoutARecord) {
    const auto [i, j] = find(fires);
    txn(i).records.erase(txn(i).records.begin() + j);
    EXPECT_TRUE(judged().contains("I1"));
}

TEST_F(SpoiltHistory, ARecordWithoutATick) {
    const auto [i, j] = find(fires);
    Execution extra = record(i, j);
    extra.scheduled_at = extra.scheduled_at - 1s;
    extra.id.trigger.at = extra.scheduled_at;
    txn(i).records.push_back(extra);
    EXPECT_TRUE(judged().contains("I1"));
}

TEST_F(SpoiltHistory, ADecisionThatIsMadeTwice) {
    const auto [i, j] = find(fires);
    history_.insert(history_.begin() + i, TxnSeen(txn(i)));
    EXPECT_TRUE(judged().contains("I13"));
}

TEST_F(SpoiltHistory, ACursorThatGoesBack) {
    const auto [i, j] = find(fires);
    txn(i).cursor.t = txn(i).cursor.t - 1h;
    EXPECT_TRUE(judged().contains("I12"));
}

TEST_F(SpoiltHistory, ADecisionBeforeItsTime) {
    const auto [i, j] = find(fires);
    record(i, j).decided_at = record(i, j).scheduled_at - 1s;
    EXPECT_TRUE(judged().contains("I9"));
}

TEST_F(SpoiltHistory, ASkipThatNoPolicyWants) {
    const auto [i, j] = find(fires);
    record(i, j).state = ExecutionState::skipped;
    record(i, j).reason = core::Reason::misfire_skip;
    EXPECT_TRUE(judged().contains("I21"));
}

TEST_F(SpoiltHistory, ACountThatIsWrong) {
    const auto [i, j] = find(fires);
    record(i, j).range_count = 2;
    EXPECT_TRUE(judged().contains("I1"));
}

TEST_F(SpoiltHistory, ARunBesideAnotherOfAForbidJob) {
    const auto [i, j] = find([](const Execution& e) {
        return e.state == ExecutionState::skipped && e.reason == core::Reason::concurrency;
    });
    record(i, j).state = ExecutionState::waiting;
    record(i, j).reason = core::Reason::none;
    EXPECT_TRUE(judged().contains("I5"));
}

TEST_F(SpoiltHistory, ARecordThatNobodyDecided) {
    const auto [i, j] = find(fires);
    record(i, j).nonce ^= 1;
    EXPECT_TRUE(judged().contains("I2"));
}

TEST_F(SpoiltHistory, AnExecutionThatIsNotAmongTheOpenOnes) {
    const auto [i, j] = find(fires);
    std::erase(txn(i).opened, record(i, j).id);
    EXPECT_TRUE(judged().contains("I16"));
}

TEST_F(SpoiltHistory, ASlotThatIsNotTaken) {
    const auto [i, j] = find(fires);
    txn(i).slots_taken.clear();
    EXPECT_TRUE(judged().contains("I16"));
}

TEST_F(SpoiltHistory, AnEndWithoutAClaim) {
    const auto [i, j] = find([](const Execution& e) { return e.state == ExecutionState::claimed; });
    history_.erase(history_.begin() + i);
    EXPECT_TRUE(judged().contains("I13"));
}

TEST_F(SpoiltHistory, AResultThatIsNotTheProcesss) {
    const auto [i, j] =
        find([](const Execution& e) { return e.state == ExecutionState::succeeded; });
    record(i, j).state = ExecutionState::failed;
    record(i, j).exit_code = 1;
    EXPECT_TRUE(judged().contains("I7"));
}

TEST_F(SpoiltHistory, ASecondEnd) {
    const auto [i, j] =
        find([](const Execution& e) { return e.state == ExecutionState::succeeded; });
    history_.insert(history_.begin() + i, TxnSeen(txn(i)));
    EXPECT_TRUE(judged().contains("I13"));
}

TEST_F(SpoiltHistory, AnOpenRecordThatIsForgotten) {
    const auto [i, j] = find(fires);
    TxnSeen forgets;
    forgets.revision = txn(i).revision;
    forgets.at = txn(i).at;
    forgets.forgotten.push_back(record(i, j).id);
    history_.insert(history_.begin() + i + 1, forgets);
    EXPECT_TRUE(judged().contains("I13"));
}

TEST_F(SpoiltHistory, AScheduleThatTheOracleDoesNotKnowIsUnknown) {
    for (TxnSeen& one : history_)
        for (core::Job& job : one.jobs) job.spec.schedule = "0 0 H * * *";
    EXPECT_TRUE(judged().contains("unknown"));
}

}  // namespace
}  // namespace khronos::sim
