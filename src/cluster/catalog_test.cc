#include "cluster/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "runtime/manual_loop.h"
#include "store/codec.h"

namespace khronos::cluster {
namespace {

using testing::ElementsAre;

core::Job job_of(std::string name, std::uint64_t uid) {
    core::Job job;
    job.uid = JobUid(uid);
    job.spec.name = std::move(name);
    job.created_at = job.updated_at = job.anchor = job.effective_from = WallTime::from_seconds(1);
    return job;
}
SharedBytes record_of(const core::Job& job) {
    return SharedBytes(store::encode(job));
}

std::vector<std::string> names_of(const Catalog& catalog, std::string_view from = "",
                                  std::size_t count = SIZE_MAX) {
    std::vector<std::string> names;
    catalog.visit(from, count,
                  [&](const CatalogEntry& entry) { names.emplace_back(entry.name()); });
    return names;
}

TEST(Catalog, KeepsJobsInTheOrderOfTheirNames) {
    runtime::ManualLoop loop;
    Catalog catalog(loop);
    for (const char* name : {"b", "a", "a-b", "B", "c"})
        EXPECT_TRUE(catalog.apply(name, record_of(job_of(name, 1)), Revision(1)));
    EXPECT_THAT(names_of(catalog), ElementsAre("B", "a", "a-b", "b", "c"));
    EXPECT_THAT(names_of(catalog, "a-"), ElementsAre("a-b", "b", "c"));
    EXPECT_THAT(names_of(catalog, "a", 2), ElementsAre("a", "a-b"));
    EXPECT_EQ(catalog.find("d"), nullptr);
}

TEST(Catalog, WhatIsOlderThanWhatIsKnownChangesNothing) {
    runtime::ManualLoop loop;
    Catalog catalog(loop);
    core::Job second = job_of("a", 1);
    second.generation = Generation(2);
    catalog.apply("a", record_of(second), Revision(7));
    catalog.apply("a", record_of(job_of("a", 1)), Revision(5));
    EXPECT_EQ(catalog.find("a")->mod, Revision(7));
    EXPECT_EQ(catalog.find("a")->record, record_of(second));
    catalog.erase("a", Revision(6));
    EXPECT_NE(catalog.find("a"), nullptr);
    catalog.erase("a", Revision(8));
    EXPECT_EQ(catalog.find("a"), nullptr);
}

TEST(Catalog, RefusesWhatIsNoJobOfThatName) {
    runtime::ManualLoop loop;
    Catalog catalog(loop);
    EXPECT_FALSE(catalog.apply("a", record_of(job_of("b", 1)), Revision(1)));
    EXPECT_FALSE(catalog.apply("a", SharedBytes("\xff\xff nonsense"), Revision(1)));
    EXPECT_FALSE(catalog.apply("", SharedBytes(), Revision(1)));
    EXPECT_EQ(catalog.size(), 0u);
}

TEST(Catalog, GivesBackTheStatisticsItWasGiven) {
    runtime::ManualLoop loop;
    Catalog catalog(loop);
    EXPECT_EQ(catalog.stats(JobUid(1)), core::JobStats{});
    for (const char* status : {"", "success", "failed", "partially_failed"}) {
        const core::JobStats stats{3, 4, WallTime::from_seconds(5), WallTime{}, status};
        catalog.apply_stats(JobUid(1), stats);
        EXPECT_EQ(catalog.stats(JobUid(1)), stats);
    }
    catalog.erase_stats(JobUid(1));
    EXPECT_EQ(catalog.stats(JobUid(1)), core::JobStats{});
}

TEST(Catalog, ForgetsTheStatisticsOfAJobThatIsGoneOrMadeAgain) {
    runtime::ManualLoop loop;
    Catalog catalog(loop);
    const core::JobStats stats{3, 0, {}, {}, "success"};
    catalog.apply("a", record_of(job_of("a", 1)), Revision(1));
    catalog.apply_stats(JobUid(1), stats);
    catalog.apply("a", record_of(job_of("a", 2)), Revision(2));
    EXPECT_EQ(catalog.stats(JobUid(1)), core::JobStats{});
    catalog.apply_stats(JobUid(2), stats);
    catalog.erase("a", Revision(3));
    EXPECT_EQ(catalog.stats(JobUid(2)), core::JobStats{});
}

TEST(Catalog, LetsWaitersGoWhenTheirRevisionIsReached) {
    runtime::ManualLoop loop;
    Catalog catalog(loop);
    std::vector<std::string> told;
    const auto wait = [&](std::uint64_t revision, Duration patience) {
        catalog.when_reached(Revision(revision), patience, [&told, revision](bool reached) {
            told.push_back(std::to_string(revision) + (reached ? " reached" : " not"));
        });
    };
    catalog.reached(Revision(5));
    wait(7, 10s);
    wait(9, 1s);
    wait(5, 10s);
    wait(7, 10s);
    EXPECT_TRUE(told.empty()) << "never inside the call";
    loop.run_until_idle();
    EXPECT_THAT(told, ElementsAre("5 reached"));
    catalog.reached(Revision(8));
    catalog.reached(Revision(6));
    EXPECT_EQ(catalog.revision(), Revision(8));
    loop.run_until_idle();
    EXPECT_THAT(told, ElementsAre("5 reached", "7 reached", "7 reached"));
    loop.advance(2s);
    EXPECT_THAT(told, ElementsAre("5 reached", "7 reached", "7 reached", "9 not"));
    EXPECT_EQ(loop.timers(), 0u);
}

TEST(Catalog, LeavesNoTimerBehind) {
    runtime::ManualLoop loop;
    {
        Catalog catalog(loop);
        catalog.when_reached(Revision(1), 10s, [](bool) { FAIL(); });
    }
    EXPECT_EQ(loop.timers(), 0u);
}

// Against the simplest thing that could be right, over chunks that split, fill and empty.
class CatalogModel : public testing::TestWithParam<int> {};

TEST_P(CatalogModel, BehavesAsASortedMapWould) {
    std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
    const auto below = [&](std::uint64_t n) { return random() % n; };
    runtime::ManualLoop loop;
    Catalog catalog(loop);
    struct Known {
        std::uint64_t uid;
        Revision mod;
    };
    std::map<std::string, Known> model;
    // Some runs grow far over a chunk's size, some stay small and churn.
    const std::uint64_t names = GetParam() % 2 == 0 ? 5000 : 30;
    std::uint64_t revision = 0;
    for (int step = 0; step < 20000; ++step) {
        const std::string name = "job-" + std::to_string(below(names) * 7919 % names);
        const std::uint64_t age = below(3);
        ++revision;
        const Revision mod(revision - std::min(age, revision - 1));
        const auto known = model.find(name);
        if (below(10) < 7) {
            const std::uint64_t uid = 1 + below(3);
            ASSERT_TRUE(catalog.apply(name, record_of(job_of(name, uid)), mod));
            if (known == model.end() || known->second.mod < mod) model[name] = {uid, mod};
        } else if (below(50) > 0) {
            catalog.erase(name, mod);
            if (known != model.end() && known->second.mod <= mod) model.erase(known);
        } else {
            const std::string to = name + "5";
            catalog.erase_between(name, to);
            model.erase(model.upper_bound(name), model.lower_bound(to));
        }
        ASSERT_EQ(catalog.size(), model.size());
        if (step % 500 != 0) continue;
        std::vector<std::string> expected;
        for (const auto& [key, value] : model)
            expected.push_back(key);
        ASSERT_EQ(names_of(catalog), expected);
        const std::size_t first = below(model.size() + 2), count = below(60);
        std::vector<std::string> page;
        catalog.visit_from(first, count,
                           [&](const CatalogEntry& entry) { page.emplace_back(entry.name()); });
        const std::size_t begin = std::min(first, expected.size());
        const std::size_t end = std::min(begin + count, expected.size());
        ASSERT_EQ(page,
                  std::vector<std::string>(expected.begin() + static_cast<std::ptrdiff_t>(begin),
                                           expected.begin() + static_cast<std::ptrdiff_t>(end)));
    }
    for (const auto& [name, known] : model) {
        ASSERT_NE(catalog.find(name), nullptr);
        EXPECT_EQ(catalog.find(name)->mod, known.mod);
        EXPECT_EQ(catalog.find(name)->uid, JobUid(known.uid));
    }
}
INSTANTIATE_TEST_SUITE_P(Seeds, CatalogModel, testing::Range(0, 6));

}  // namespace
}  // namespace khronos::cluster
