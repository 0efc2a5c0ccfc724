#include "store/mirror.h"

#include <gtest/gtest.h>

#include <map>

#include "runtime/manual_loop.h"
#include "store/memory/memory_backend.h"

namespace khronos::store {
namespace {

struct MirrorTest : testing::Test {
    runtime::ManualLoop loop;
    MemoryBackend backend{loop};
    MemoryStore store{backend, loop, "mirror"};
    std::map<std::string, std::string> copy;
    std::map<std::string, std::string> listing;
    bool in_list = false;
    int lists = 0;
    Revision reached;

    Mirror::Listener listener() {
        Mirror::Listener l;
        l.on_list_begins = [this] {
            listing.clear();
            in_list = true;
        };
        l.on_put = [this](KeyValue kv) {
            (in_list ? listing : copy)[kv.key] = std::string(kv.value.view());
        };
        l.on_erase = [this](const std::string& key, Revision) {
            EXPECT_FALSE(in_list);
            copy.erase(key);
        };
        l.on_listed = [this] {
            copy = std::move(listing);
            in_list = false;
            ++lists;
        };
        l.on_reached = [this](Revision r) {
            EXPECT_GE(r, reached);
            reached = r;
        };
        return l;
    }
    void put(const std::string& key, const std::string& value) {
        store.write({{}, {Put{key, value, {}}}}, [](WriteOutcome) {});
        loop.run_until_idle();
    }
    void erase(const std::string& key) {
        store.write({{}, {Erase{key}}}, [](WriteOutcome) {});
        loop.run_until_idle();
    }
};

TEST_F(MirrorTest, HasWhatWasThereAndWhatComes) {
    put("a/1", "x");
    put("b/1", "not mine");
    Mirror mirror(store, loop, {"a/", 2, {}}, listener());
    mirror.start();
    loop.run_until_idle();
    EXPECT_EQ(copy, (std::map<std::string, std::string>{{"a/1", "x"}}));
    put("a/2", "y");
    erase("a/1");
    EXPECT_EQ(copy, (std::map<std::string, std::string>{{"a/2", "y"}}));
    EXPECT_EQ(lists, 1);
}

TEST_F(MirrorTest, ReadsALongListInPages) {
    for (int i = 0; i < 25; ++i) put("a/" + std::to_string(i), "v");
    Mirror mirror(store, loop, {"a/", 4, {}}, listener());
    mirror.start();
    loop.run_until_idle();
    EXPECT_EQ(copy.size(), 25u);
    EXPECT_EQ(lists, 1);
}

TEST_F(MirrorTest, ListsAgainWhenTheWatchIsLost) {
    put("a/1", "x");
    Mirror mirror(store, loop, {"a/", 10, {}}, listener());
    mirror.start();
    loop.run_until_idle();
    backend.break_watches("mirror", "broken");
    store.write({{}, {Erase{"a/1"}, Put{"a/2", "y", {}}}}, [](WriteOutcome) {});
    loop.advance(5s);
    EXPECT_EQ(copy, (std::map<std::string, std::string>{{"a/2", "y"}}));
    EXPECT_EQ(lists, 2);
}

// Events that nobody reports as lost are made good by the unconditional list.
TEST_F(MirrorTest, ListsFromTimeToTimeInCaseEventsWereLostUnnoticed) {
    struct Dropping final : FaultPlan {
        bool on = false;
        WatchFault on_watch_batch(std::string_view, const WatchBatch&) override {
            WatchFault fault;
            if (on) fault.fate = WatchFault::Fate::drop;
            return fault;
        }
    } faults;
    backend.set_faults(&faults);
    Mirror mirror(store, loop, {"a/", 10, 60s}, listener());
    mirror.start();
    loop.run_until_idle();
    faults.on = true;
    put("a/1", "x");
    EXPECT_TRUE(copy.empty());
    loop.advance(61s);
    EXPECT_EQ(copy.size(), 1u);
}

TEST_F(MirrorTest, SaysNothingAfterItWasStopped) {
    Mirror mirror(store, loop, {"a/", 10, {}}, listener());
    mirror.start();
    loop.run_until_idle();
    mirror.stop();
    put("a/1", "x");
    EXPECT_TRUE(copy.empty());
}

}  // namespace
}  // namespace khronos::store
