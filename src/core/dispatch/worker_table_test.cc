#include "core/dispatch/worker_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace khronos::core {
namespace {

constexpr WallTime kNow = WallTime::from_seconds(1704067200);

class Table : public testing::Test {
  protected:
    void hello(const WorkerId& id, std::uint32_t slots = 100, StringMap tags = {},
               std::map<std::string, std::uint32_t> quotas = {}) {
        Hello h;
        h.worker = id;
        h.boot_id = "boot";
        h.applications = {"default"};
        h.slots = slots;
        h.tags = std::move(tags);
        h.type_quotas = std::move(quotas);
        EXPECT_FALSE(table.hello(id, h, 0, {}, MonoTime{1}));
    }
    static Needs needs(Balance balance = Balance::random) {
        Needs n;
        n.application = "default";
        n.balance = balance;
        n.turns = JobUid(1);
        return n;
    }
    // Placed, and counted as in use until released.
    std::optional<WorkerId> place(const Needs& n) {
        const auto id = table.pick(n, kNow);
        if (!id) return id;
        table.take(*id, n.type);
        table.placed(n.turns, *id);
        ++placed[*id];
        return id;
    }
    std::uint32_t most() const {
        return std::ranges::max_element(placed, {}, [](auto& p) { return p.second; })->second;
    }
    std::uint32_t least() const {
        return std::ranges::min_element(placed, {}, [](auto& p) { return p.second; })->second;
    }

    WorkerTable table{7};
    std::map<WorkerId, std::uint32_t> placed;
};

TEST_F(Table, RoundRobinGivesEachItsTurn) {
    for (const char* id : {"a", "b", "c", "d"}) hello(id);
    for (int i = 0; i < 1001; ++i) {
        const auto id = place(needs(Balance::round_robin));
        ASSERT_TRUE(id.has_value());
        table.release(*id, "");
        if (i >= 3) ASSERT_LE(most() - least(), 1u);
    }
    // A new member does not have to catch up with the others.
    hello("e");
    placed = {{"a", 0}, {"b", 0}, {"c", 0}, {"d", 0}, {"e", 0}};
    for (int i = 0; i < 1000; ++i) table.release(*place(needs(Balance::round_robin)), "");
    EXPECT_EQ(most(), least());
}

TEST_F(Table, RandomIsUniform) {
    for (const char* id : {"a", "b", "c", "d"}) hello(id);
    for (int i = 0; i < 4000; ++i) table.release(*place(needs()), "");
    double chi = 0;
    for (const auto& [id, n] : placed) chi += (n - 1000.0) * (n - 1000.0) / 1000.0;
    EXPECT_LT(chi, 16.27);  // three degrees of freedom, one in a thousand
}

TEST_F(Table, WorkloadIsRelativeToTheSlotsAndNeverOverThem) {
    hello("large", 30);
    hello("small", 10);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(place(needs(Balance::workload)).has_value());
    EXPECT_EQ(placed["large"], 15u);
    EXPECT_EQ(placed["small"], 5u);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(place(needs(Balance::workload)).has_value());
    EXPECT_FALSE(place(needs(Balance::workload)).has_value());
}

TEST_F(Table, WhatOtherAgentsUseIsNotFree) {
    hello("w", 3);
    ASSERT_TRUE(place(needs()).has_value());
    table.load("w", Load{3, {}, false});
    EXPECT_FALSE(place(needs()).has_value());
    table.load("w", Load{2, {}, false});
    EXPECT_TRUE(place(needs()).has_value());
    table.load("w", Load{2, {}, true});  // drains
    EXPECT_EQ(table.views()[0].state, WorkerState::draining);
}

TEST_F(Table, ADrainedWorkerGetsNothing) {
    hello("w");
    table.drain("w", true);
    EXPECT_FALSE(place(needs()).has_value());
    table.drain("w", false);
    EXPECT_TRUE(place(needs()).has_value());
}

TEST_F(Table, TagsMustAllBeThere) {
    hello("a", 10, {{"zone", "x"}});
    hello("b", 10, {{"zone", "x"}, {"disk", "ssd"}});
    Needs n = needs();
    n.tags = {{"zone", "x"}, {"disk", "ssd"}};
    for (int i = 0; i < 5; ++i) EXPECT_EQ(place(n), "b");
    n.tags = {{"zone", "y"}};
    EXPECT_FALSE(place(n).has_value());
}

TEST_F(Table, AQuotaIsOfItsType) {
    hello("w", 10, {}, {{"heavy", 2}});
    Needs n = needs();
    n.type = "heavy";
    ASSERT_TRUE(place(n).has_value());
    ASSERT_TRUE(place(n).has_value());
    EXPECT_FALSE(place(n).has_value());
    n.type = "light";
    EXPECT_TRUE(place(n).has_value());
}

TEST_F(Table, FailoverGoesElsewhereAndFailtryStaysAsLongAsThereIsAChoice) {
    hello("a");
    hello("b");
    Needs n = needs();
    n.avoid = "a";
    for (int i = 0; i < 5; ++i) EXPECT_EQ(place(n), "b");
    n.avoid.clear();
    n.only = "a";
    for (int i = 0; i < 5; ++i) EXPECT_EQ(place(n), "a");
    table.gone("a");
    EXPECT_EQ(place(n), "b");
    n.only.clear();
    n.avoid = "b";
    EXPECT_EQ(place(n), "b");
}

}  // namespace
}  // namespace khronos::core
