#include "cluster/catalog_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/jobs_mirror_test.h"
#include "runtime/manual_loop.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/memory/memory_backend.h"

namespace khronos::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct World {
    runtime::ManualLoop loop;
    store::MemoryBackend backend{loop};
    store::MemoryStore store{backend, loop, "feed"};
    Catalog catalog{loop};
    std::vector<std::string> unreadable;
    CatalogFeed feed{store,
                     loop,
                     catalog,
                     {.relist_every = Duration(0),
                      .on_unreadable = [this](std::string what) { unreadable.push_back(what); }}};
    store::Mirror jobs{store, loop, jobs_prefix(), forward_to(feed)};

    void start() {
        feed.start();
        jobs.start();
        loop.run_until_idle();
    }
    void stop() {
        feed.stop();
        jobs.stop();
    }

    Revision write(std::vector<store::Operation> operations) {
        Revision revision;
        store.write({{}, std::move(operations)}, [&](const store::WriteOutcome& outcome) {
            revision = std::get<store::Applied>(outcome).revision;
        });
        loop.run_until_idle();
        return revision;
    }
    Revision put_job(const std::string& name, std::uint64_t uid) {
        core::Job job;
        job.uid = JobUid(uid);
        job.spec.name = name;
        return write({store::Put{store::keys::job(name), store::encode(job), {}}});
    }
    void put_stats(std::uint64_t uid, std::uint64_t successes) {
        core::JobStats stats;
        stats.success_count = successes;
        write({store::Put{store::keys::stats(JobUid(uid)), store::encode(stats), {}}});
    }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        catalog.visit("", SIZE_MAX,
                      [&](const CatalogEntry& entry) { found.emplace_back(entry.name()); });
        return found;
    }
};

TEST(CatalogFeed, ListsWhatIsThereAndFollowsWhatChanges) {
    World world;
    world.put_job("b", 2);
    world.put_stats(2, 5);
    EXPECT_FALSE(world.feed.complete());
    world.start();
    EXPECT_TRUE(world.feed.complete());
    EXPECT_THAT(world.names(), ElementsAre("b"));
    EXPECT_EQ(world.catalog.stats(JobUid(2)).success_count, 5u);

    const Revision last = world.put_job("a", 1);
    EXPECT_GE(world.catalog.revision(), last);
    world.put_stats(1, 7);
    EXPECT_THAT(world.names(), ElementsAre("a", "b"));
    EXPECT_EQ(world.catalog.stats(JobUid(1)).success_count, 7u);

    world.write({store::Erase{store::keys::job("b")}});
    EXPECT_THAT(world.names(), ElementsAre("a"));
    world.write({store::Erase{store::keys::stats(JobUid(1))}});
    EXPECT_EQ(world.catalog.stats(JobUid(1)).success_count, 0u);
}

TEST(CatalogFeed, AfterLostEventsWhatIsGoneIsForgotten) {
    World world;
    for (std::uint64_t i = 1; i <= 6; ++i) {
        world.put_job(std::string(1, static_cast<char>('a' + i)), i);
        world.put_stats(i, i);
    }
    world.start();
    world.stop();
    for (const char* name : {"b", "d", "g"})
        world.write({store::Erase{store::keys::job(name)}});
    for (const std::uint64_t uid : {1, 3, 6})
        world.write({store::Erase{store::keys::stats(JobUid(uid))}});
    world.put_job("dd", 9);
    EXPECT_EQ(world.catalog.size(), 6u);
    world.start();
    EXPECT_THAT(world.names(), ElementsAre("c", "dd", "e", "f"));
    for (const std::uint64_t uid : {1, 3, 6})
        EXPECT_EQ(world.catalog.stats(JobUid(uid)).success_count, 0u) << uid;
    for (const std::uint64_t uid : {2, 4, 5})
        EXPECT_EQ(world.catalog.stats(JobUid(uid)).success_count, uid);
}

TEST(CatalogFeed, TellsOfRecordsThatCannotBeRead) {
    World world;
    world.write({store::Put{store::keys::job("bad"), "\xff nonsense", {}}});
    world.put_job("good", 1);
    world.start();
    EXPECT_THAT(world.names(), ElementsAre("good"));
    EXPECT_THAT(world.unreadable, ElementsAre(HasSubstr("jobs/bad")));
}

}  // namespace
}  // namespace khronos::cluster
