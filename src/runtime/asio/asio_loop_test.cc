#include "runtime/asio/asio_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "runtime/asio/system_entropy.h"

namespace khronos::runtime {
namespace {

TEST(AsioLoop, RunsPostedTasksInOrderAndNeverInsideTheCall) {
    AsioLoop loop;
    std::vector<int> order;
    loop.post([&] {
        loop.post([&] { order.push_back(3); });
        order.push_back(1);
    });
    loop.post([&] { order.push_back(2); });
    loop.post([&] { loop.post([&] { loop.stop(); }); });
    EXPECT_TRUE(order.empty());
    loop.run();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(AsioLoop, KeepsTheOrderOfEachPostingThread) {
    AsioLoop loop;
    constexpr int kThreads = 4, kEach = 2000;
    std::vector<int> last(kThreads, -1);
    int done = 0;
    bool in_order = true;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kEach; ++i)
                loop.post([&, t, i] {
                    in_order = in_order && last[t] == i - 1;
                    last[t] = i;
                    if (++done == kThreads * kEach) loop.stop();
                });
        });
    loop.run();
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_TRUE(in_order);
    EXPECT_EQ(done, kThreads * kEach);
}

TEST(AsioLoop, RunsTimersByDueTimeThenByTheOrderOfTheirMaking) {
    AsioLoop loop;
    std::vector<int> order;
    const MonoTime now = loop.mono_now();
    loop.call_at(now + 4ms, [&] { order.push_back(3); });
    loop.call_at(now + 2ms, [&] { order.push_back(1); });
    loop.call_at(now + 2ms, [&] { order.push_back(2); });
    loop.call_at(now - 1h, [&] { order.push_back(0); });
    loop.call_at(now + 4ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
}

TEST(AsioLoop, NeverRunsATimerBeforeItsTime) {
    AsioLoop loop;
    int early = 0, left = 50;
    for (int i = 0; i < 50; ++i) {
        const MonoTime due = loop.mono_now() + Duration(i * 100);
        loop.call_at(due, [&, due] {
            if (loop.mono_now() < due) ++early;
            if (--left == 0) loop.stop();
        });
    }
    loop.run();
    EXPECT_EQ(early, 0);
}

TEST(AsioLoop, RunsNoCancelledTimerEvenWhenBothWereDue) {
    AsioLoop loop;
    bool ran = false;
    TimerId second;
    const MonoTime due = loop.mono_now();
    loop.call_at(due, [&] { loop.cancel(second); });
    second = loop.call_at(due, [&] { ran = true; });
    loop.call_at(due, [&] { loop.stop(); });
    loop.run();
    EXPECT_FALSE(ran);
    loop.cancel(second);
    loop.cancel(TimerId(999));
}

TEST(AsioLoop, RunsAnEarlierTimerThatIsMadeWhileALaterOneWaits) {
    AsioLoop loop;
    const TimerId late = loop.call_after(24h, [] { FAIL(); });
    bool ran = false;
    loop.post([&] {
        loop.call_after(1ms, [&] {
            ran = true;
            loop.cancel(late);
            loop.stop();
        });
    });
    loop.run();
    EXPECT_TRUE(ran);
}

TEST(AsioLoop, ServesPostsBetweenTimersThatAskForAtOnceAgainAndAgain) {
    AsioLoop loop;
    bool stopped = false;
    std::function<void()> again = [&] {
        if (!stopped) loop.call_at(MonoTime{0}, [&] { again(); });
    };
    again();
    std::thread other([&] {
        loop.post([&] {
            stopped = true;
            loop.stop();
        });
    });
    loop.run();
    other.join();
    EXPECT_TRUE(stopped);
}

TEST(AsioLoop, ReturnsAtOnceWhenItWasStoppedBeforeItRan) {
    AsioLoop loop;
    loop.stop();
    loop.post([] { FAIL(); });
    loop.run();
}

TEST(AsioLoop, RunsNothingMoreAfterStop) {
    AsioLoop loop;
    loop.post([&] { loop.stop(); });
    loop.post([] { FAIL(); });
    loop.call_at(MonoTime{0}, [] { FAIL(); });
    loop.run();
}

TEST(AsioLoop, DropsWhatIsLeftEvenIfThatPostsAndCancelsInTurn) {
    struct Owner {
        AsioLoop* loop;
        TimerId timer;
        ~Owner() {
            loop->cancel(timer);
            loop->post([] {});
        }
    };
    auto loop = std::make_unique<AsioLoop>();
    for (int i = 0; i < 3; ++i) {
        auto owner = std::make_unique<Owner>();
        owner->loop = loop.get();
        owner->timer = loop->call_after(1h, [] {});
        loop->call_after(2h, [owner = std::move(owner)] {});
        auto posted = std::make_unique<Owner>();
        posted->loop = loop.get();
        loop->post([posted = std::move(posted)] {});
    }
    loop.reset();
}

TEST(AsioLoop, KnowsItsOwnThread) {
    AsioLoop loop;
    EXPECT_TRUE(loop.on_loop());
    bool on = false, off = true;
    loop.post([&] {
        on = loop.on_loop();
        std::thread([&] { off = loop.on_loop(); }).join();
        loop.stop();
    });
    loop.run();
    EXPECT_TRUE(on);
    EXPECT_FALSE(off);
}

TEST(SystemEntropy, GivesDifferentNumbers) {
    SystemEntropy entropy;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i)
        seen.insert(entropy.next());
    EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace khronos::runtime
