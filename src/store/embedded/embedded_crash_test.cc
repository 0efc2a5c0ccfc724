// An acknowledged write survives the end of its process and the end of the machine's power.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "store/embedded/embedded_testing.h"
#include "store/embedded/fault_vfs_testing.h"
#include "store/embedded/temporary_directory_testing.h"

namespace khronos::store::embedded {
namespace {

constexpr const char* kDirectoryVariable = "KHRONOS_TEST_STORE_DIRECTORY";

// Transaction `number` writes two keys of its own, all or nothing, and one that all write.
Txn transaction(std::uint64_t number) {
    std::string name = std::to_string(number);
    std::string value(20 + number % 300, static_cast<char>('a' + number % 26));
    return {{},
            {Put{"first/" + name, value, {}}, Put{"second/" + name, value, {}},
             Put{"last", name, {}}, Erase{"first/" + std::to_string(number / 2) + "x"}}};
}

// Keeps `in_flight` transactions under way, and tells of each that is acknowledged.
class Traffic {
  public:
    Traffic(Store& store, std::uint64_t first, std::function<void(std::uint64_t)> on_applied)
        : store_(store), next_(first), on_applied_(std::move(on_applied)) {}

    void start(int in_flight) {
        for (int i = 0; i < in_flight; ++i)
            send();
    }
    void stop() { stopped_ = true; }
    int under_way() const { return under_way_; }

  private:
    void send() {
        std::uint64_t number = next_++;
        ++under_way_;
        store_.write(transaction(number), [this, number](WriteOutcome outcome) {
            --under_way_;
            if (applied(outcome)) on_applied_(number);
            if (!stopped_) send();
        });
    }

    Store& store_;
    std::uint64_t next_;
    std::function<void(std::uint64_t)> on_applied_;
    int under_way_ = 0;
    bool stopped_ = false;
};

// What must hold of whatever a crash has left.
void check_store(OpenStore& store, const std::set<std::uint64_t>& acknowledged) {
    std::map<std::string, KeyValue> all = store.all();
    for (std::uint64_t number : acknowledged)
        ASSERT_TRUE(all.contains("first/" + std::to_string(number))) << "lost: " << number;
    Revision newest;
    for (const auto& [key, kv] : all) {
        newest = std::max(newest, kv.mod_revision);
        if (!key.starts_with("first/")) continue;
        std::string other = "second/" + key.substr(6);
        ASSERT_TRUE(all.contains(other)) << "half of a transaction: " << key;
        EXPECT_EQ(all[other].mod_revision, kv.mod_revision);
        EXPECT_EQ(all[other].value, kv.value);
    }
    if (!acknowledged.empty()) {
        EXPECT_EQ(all["last"].mod_revision, newest);
    }
    // And it goes on from there.
    EXPECT_TRUE(applied(store.put("after", "1")));
    EXPECT_GT(store.get("after")->kv->mod_revision, newest);
}

// ---- kill -9

class EmbeddedCrash : public TimeLimitedTest {};

// The process that is killed: started by the test below, not by itself.
TEST_F(EmbeddedCrash, DISABLED_Victim) {
    const char* directory = ::getenv(kDirectoryVariable);
    ASSERT_NE(directory, nullptr);
    OpenStore store(directory);
    ASSERT_EQ(store.error, "");
    std::uint64_t first = 0;
    auto last = store.get("last");
    if (last->kv) first = std::stoull(std::string(last->kv->value.view())) + 1000;
    // The pipe's end is standard output: a line for each acknowledged transaction.
    Traffic traffic(*store.store, first, [](std::uint64_t number) {
        std::string line = "ack " + std::to_string(number) + "\n";
        ASSERT_EQ(::write(STDOUT_FILENO, line.data(), line.size()),
                  static_cast<ssize_t>(line.size()));
    });
    traffic.start(40);
    store.loop.run_until([] { return false; });
}

struct Victim {
    pid_t pid = 0;
    int output = -1;

    explicit Victim(const std::string& directory) {
        int ends[2];
        CHECK(::pipe2(ends, O_CLOEXEC) == 0);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        std::string variable = std::string(kDirectoryVariable) + "=" + directory;
        std::vector<char*> environment;
        for (char** entry = environ; *entry; ++entry)
            environment.push_back(*entry);
        environment.push_back(variable.data());
        environment.push_back(nullptr);
        std::string program = "/proc/self/exe", all = "--gtest_also_run_disabled_tests",
                    one = "--gtest_filter=EmbeddedCrash.DISABLED_Victim";
        char* arguments[] = {program.data(), all.data(), one.data(), nullptr};
        CHECK(::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments,
                            environment.data()) == 0);
        posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        output = ends[0];
    }
    // Reads acknowledgements until there are `count`, kills, and reads the rest.
    std::set<std::uint64_t> kill_after(std::size_t count) {
        std::set<std::uint64_t> numbers;
        std::string text;
        char buffer[4096];
        bool killed = false;
        while (true) {
            ssize_t got = ::read(output, buffer, sizeof buffer);
            if (got <= 0) break;
            text.append(buffer, static_cast<std::size_t>(got));
            for (std::size_t end; (end = text.find('\n')) != std::string::npos;
                 text.erase(0, end + 1)) {
                if (!text.starts_with("ack ")) continue;
                std::uint64_t number = 0;
                std::from_chars(text.data() + 4, text.data() + end, number);
                numbers.insert(number);
            }
            if (!killed && numbers.size() >= count) {
                ::kill(pid, SIGKILL);
                killed = true;
            }
        }
        ::close(output);
        int status = 0;
        ::waitpid(pid, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it ended by itself";
        return numbers;
    }
};

TEST_F(EmbeddedCrash, EveryAcknowledgedWriteSurvivesKill9) {
    TemporaryDirectory directory;
    std::mt19937 random(1);
    std::set<std::uint64_t> acknowledged;
    for (int round = 0; round < 10; ++round) {
        Victim victim(directory.path());
        acknowledged.merge(victim.kill_after(1 + random() % 1500));
        OpenStore store(directory.path());
        ASSERT_EQ(store.error, "") << "round " << round;
        check_store(store, acknowledged);
        if (HasFatalFailure()) return;
    }
}

// ---- power cuts

TEST_F(EmbeddedCrash, EveryAcknowledgedWriteSurvivesAPowerCut) {
    FaultVfs vfs("power");
    for (unsigned seed = 1; seed <= 6; ++seed) {
        std::mt19937 random(seed);
        TemporaryDirectory directory;
        vfs.track_unsynced();
        // A small log, so that checkpoints are cut, too.
        OpenStore store(directory.path(),
                        {.log_bytes = 256 << 10, .cache_kib = 256, .vfs = "power"});
        ASSERT_EQ(store.error, "");
        std::set<std::uint64_t> acknowledged;
        Traffic traffic(*store.store, 0,
                        [&](std::uint64_t number) { acknowledged.insert(number); });
        traffic.start(1 + static_cast<int>(random() % 60));
        for (int cut = 0; cut < 12; ++cut) {
            std::size_t until = acknowledged.size() + random() % 400;
            store.loop.run_until([&] { return acknowledged.size() > until; });
            TemporaryDirectory remains;
            vfs.cut_power(remains.path(), random);
            OpenStore after(remains.path());
            ASSERT_EQ(after.error, "") << "seed " << seed << ", cut " << cut;
            check_store(after, acknowledged);
            if (HasFatalFailure()) return;
        }
        traffic.stop();
        store.loop.run_until([&] { return traffic.under_way() == 0; });
    }
}

TEST_F(EmbeddedCrash, APowerCutWhileTheStoreIsMadeLeavesAnEmptyStoreOrNone) {
    FaultVfs vfs("first power");
    vfs.track_unsynced();
    std::mt19937 random(7);
    for (int round = 0; round < 10; ++round) {
        TemporaryDirectory directory, remains;
        vfs.hold_syncs();
        std::jthread opening([&] { OpenStore store(directory.path(), {.vfs = "first power"}); });
        // Let a few syncs by, then cut.
        for (int i = 0; i < round % 5; ++i) {
            vfs.wait_for_held_sync();
            vfs.release_one_sync();
        }
        vfs.wait_for_held_sync();
        vfs.cut_power(remains.path(), random);
        vfs.release_syncs();
        OpenStore after(remains.path());
        ASSERT_EQ(after.error, "") << "round " << round;
        EXPECT_TRUE(after.all().empty());
        EXPECT_TRUE(applied(after.put("a", "1")));
    }
}

}  // namespace
}  // namespace khronos::store::embedded
