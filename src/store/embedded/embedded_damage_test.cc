// A store that was changed by anything but itself is refused, or nothing of it is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "store/embedded/database.h"
#include "store/embedded/embedded_testing.h"
#include "store/embedded/fault_vfs_testing.h"
#include "store/embedded/temporary_directory_testing.h"
#include "store/embedded/wal_scan.h"

namespace khronos::store::embedded {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

using Content = std::map<std::string, KeyValue>;

class EmbeddedDamage : public TimeLimitedTest {
  protected:
    // The two files of a store, as a crash would have left them.
    struct Files {
        std::string main, log;
    };
    static Files files_of(const std::string& directory) {
        return {read_file(database_file(directory)), read_file(log_file(directory))};
    }
    // A new directory with these files.
    static std::unique_ptr<TemporaryDirectory> place(const Files& files) {
        auto directory = std::make_unique<TemporaryDirectory>();
        write_file(database_file(directory->path()), files.main);
        if (!files.log.empty()) write_file(log_file(directory->path()), files.log);
        return directory;
    }

    // Closed cleanly: all is in the main file. With free pages, and values of all sizes.
    Files closed_store(Content* content) {
        TemporaryDirectory directory;
        {
            OpenStore store(directory.path());
            for (int i = 0; i < 150; ++i) {
                std::size_t size = i % 10 == 0 ? 9000 : static_cast<std::size_t>(i * 7);
                store.put("key/" + std::to_string(i), std::string(size, 'v'));
            }
            store.write({EraseRange{"key/1", "key/11"}});
            *content = store.all();
        }
        return files_of(directory.path());
    }

    // As a crash after `count` one-key transactions leaves it; `ends[i]` is the log's length
    // after i of them.
    Files crashed_store(int count, std::vector<std::size_t>* ends) {
        TemporaryDirectory directory;
        OpenStore store(directory.path());
        for (int i = 0; i <= count; ++i) {
            if (i > 0) store.put("key/" + std::to_string(i), "value " + std::to_string(i));
            ends->push_back(std::filesystem::exists(log_file(directory.path()))
                                ? std::filesystem::file_size(log_file(directory.path()))
                                : 0);
        }
        return files_of(directory.path());
    }
};

TEST_F(EmbeddedDamage, AFlippedBitOfTheMainFileIsRefusedOrHarmless) {
    Content content;
    Files files = closed_store(&content);
    ASSERT_EQ(files.log, "");
    std::mt19937 random(3);
    int refused = 0;
    constexpr int kRounds = 150;
    for (int round = 0; round < kRounds; ++round) {
        Files damaged = files;
        std::size_t at = random() % damaged.main.size();
        damaged.main[at] = static_cast<char>(damaged.main[at] ^ (1 << random() % 8));
        auto directory = place(damaged);
        OpenStore store(directory->path());
        if (!store.error.empty()) {
            ++refused;
            EXPECT_THAT(store.error, HasSubstr(database_file(directory->path())));
            continue;
        }
        EXPECT_EQ(store.all(), content) << "byte " << at;
        // Nor does it do harm later, when free pages are used.
        store.write({Put{"new/1", std::string(9000, 'n'), {}}, Put{"new/2", "n", {}}});
        store.write({EraseRange{"new/", "new0"}});
        EXPECT_EQ(store.all(), content) << "byte " << at;
    }
    EXPECT_GT(refused, kRounds / 2);
}

TEST_F(EmbeddedDamage, AGarbledPageOfTheMainFileIsRefusedOrHarmless) {
    Content content;
    Files files = closed_store(&content);
    std::mt19937 random(4);
    int refused = 0;
    for (std::size_t page = 0; page < files.main.size() / 4096; ++page) {
        Files damaged = files;
        for (std::size_t i = 0; i < 4096; ++i)
            damaged.main[page * 4096 + i] = static_cast<char>(random());
        auto directory = place(damaged);
        OpenStore store(directory->path());
        if (store.error.empty()) {
            EXPECT_EQ(store.all(), content) << "page " << page;
        } else {
            ++refused;
        }
    }
    EXPECT_GT(refused, 20);
}

TEST_F(EmbeddedDamage, APageOfLastWeekIsNoticed) {
    TemporaryDirectory directory;
    Files old;
    {
        OpenStore store(directory.path());
        for (int i = 0; i < 100; ++i)
            store.put("key/" + std::to_string(i), std::string(200, 'o'));
    }
    old = files_of(directory.path());
    {
        OpenStore store(directory.path());
        store.put("key/50", std::string(200, 'n'));
    }
    Files now = files_of(directory.path());
    ASSERT_EQ(now.main.size(), old.main.size());
    // Each page is good in itself; only together they are not.
    int changed = 0;
    for (std::size_t at = 4096; at < now.main.size(); at += 4096) {
        if (now.main.compare(at, 4096, old.main, at, 4096) == 0) continue;
        ++changed;
        Files mixed = now;
        mixed.main.replace(at, 4096, old.main, at, 4096);
        OpenStore store(place(mixed)->path());
        EXPECT_THAT(store.error, HasSubstr("damaged"));
    }
    EXPECT_GE(changed, 2);
}

TEST_F(EmbeddedDamage, ATruncatedMainFileIsRefusedOrHarmless) {
    Content content;
    Files files = closed_store(&content);
    for (std::size_t keep = 1; keep < files.main.size(); keep += 1 + keep / 3) {
        Files damaged{files.main.substr(0, keep), ""};
        auto directory = place(damaged);
        OpenStore store(directory->path());
        EXPECT_THAT(store.error, HasSubstr(database_file(directory->path()))) << keep;
    }
    // The last page may be a free one.
    files.main.pop_back();
    auto directory = place(files);
    OpenStore store(directory->path());
    if (store.error.empty()) {
        EXPECT_EQ(store.all(), content);
    }
}

TEST_F(EmbeddedDamage, ATornTailOfTheLogIsIgnoredWholeTransactionByTransaction) {
    std::vector<std::size_t> ends;
    Files files = crashed_store(12, &ends);
    ASSERT_EQ(files.log.size(), ends.back());
    for (std::size_t size = 0; size <= files.log.size(); size += 97) {
        auto directory = place({files.main, files.log.substr(0, size)});
        OpenStore store(directory->path());
        ASSERT_EQ(store.error, "") << "log cut to " << size;
        std::size_t whole = 0;
        while (whole + 1 < ends.size() && ends[whole + 1] <= size)
            ++whole;
        EXPECT_EQ(store.all().size(), whole) << "log cut to " << size;
    }
}

TEST_F(EmbeddedDamage, GarbageInTheLastTransactionOfTheLogIsATornTail) {
    std::vector<std::size_t> ends;
    Files files = crashed_store(12, &ends);
    std::mt19937 random(5);
    std::size_t last = ends[ends.size() - 2];
    for (std::size_t at = last; at < files.log.size(); at += 101) {
        Files damaged = files;
        for (std::size_t i = at; i < std::min(at + 600, damaged.log.size()); ++i)
            damaged.log[i] = static_cast<char>(random());
        OpenStore store(place(damaged)->path());
        ASSERT_EQ(store.error, "") << at;
        EXPECT_EQ(store.all().size(), 11u) << at;
    }
}

TEST_F(EmbeddedDamage, DamageInTheMiddleOfTheLogIsRefusedAndNamed) {
    std::vector<std::size_t> ends;
    Files files = crashed_store(12, &ends);
    std::mt19937 random(6);
    // Everything before the last transaction: SQLite would silently forget what follows.
    for (std::size_t at = 0; at < ends[ends.size() - 2]; at += 89) {
        Files damaged = files;
        damaged.log[at] = static_cast<char>(damaged.log[at] ^ (1 << random() % 8));
        auto directory = place(damaged);
        OpenStore store(directory->path());
        EXPECT_THAT(store.error,
                    AllOf(HasSubstr(log_file(directory->path())), HasSubstr("damaged")))
            << "byte " << at;
    }
}

TEST_F(EmbeddedDamage, ALogWithoutItsMainFileIsRefused) {
    std::vector<std::size_t> ends;
    Files files = crashed_store(3, &ends);
    auto directory = place({"", files.log});
    OpenStore store(directory->path());
    EXPECT_THAT(store.error, HasSubstr("missing or empty"));
}

TEST_F(EmbeddedDamage, DamageFoundWhileRunningAnswersNothingAndSaysSo) {
    TemporaryDirectory directory;
    FaultVfs vfs("garbling");
    {
        OpenStore store(directory.path());
        for (int i = 0; i < 200; ++i)
            store.put("k" + std::to_string(i), std::string(20000, 'v'));
    }
    OpenStore store(directory.path(), {.cache_kib = 64, .vfs = "garbling"});
    ASSERT_EQ(store.error, "");
    vfs.garble_reads("khronos.db");
    std::expected<GetResult, ReadError> got;
    for (int i = 0; i < 200 && got; ++i)
        got = store.get("k" + std::to_string(i));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, RefusedKind::closed);
    EXPECT_THAT(got.error().why, AllOf(HasSubstr(directory.path()), HasSubstr("damaged")));
    EXPECT_EQ(refusal(store.put("a", "1")), RefusedKind::closed);
    StoreStatus status = store.status();
    EXPECT_FALSE(status.reachable);
    EXPECT_THAT(status.message, HasSubstr("damaged"));
}

TEST(WalScan, AMissingAndAnEmptyLogAreGood) {
    TemporaryDirectory directory;
    std::string file = directory.path() + "/log";
    EXPECT_EQ(scan_wal(file, 2), WalReport{});
    write_file(file, "");
    EXPECT_EQ(scan_wal(file, 2), WalReport{});
    write_file(file, std::string(31, 'x'));
    EXPECT_EQ(scan_wal(file, 2), WalReport{});
}

}  // namespace
}  // namespace khronos::store::embedded
