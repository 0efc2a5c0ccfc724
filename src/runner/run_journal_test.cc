#include "runner/run_journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runner/cgroup.h"

namespace khronos::runner {
namespace {

class Journal : public testing::Test {
  protected:
    Journal() {
        char name[] = "/tmp/khronos-test-XXXXXX";
        dir = ::mkdtemp(name);
    }
    ~Journal() override { std::filesystem::remove_all(dir); }
    std::string path() const { return dir + "/journal"; }
    std::vector<JournalRun> read() const {
        RunJournal journal(path());
        std::vector<JournalRun> runs;
        EXPECT_TRUE(journal.open(runs));
        std::ranges::sort(runs, {}, &JournalRun::key);
        return runs;
    }
    std::string bytes() const {
        std::ifstream file(path(), std::ios::binary);
        std::ostringstream all;
        all << file.rdbuf();
        return all.str();
    }
    static RunEnd end_of(const std::string& key) {
        RunEnd end;
        end.key = key;
        end.status = 3 << 8;
        end.killed = KillReason::memory;
        end.forced = true;
        end.started_us = 5;
        end.finished_us = 6;
        end.output_bytes = 7;
        end.tail = std::string("a\0b", 3);
        return end;
    }
    std::string dir;
};

TEST_F(Journal, RemembersRunsUntilTheyAreForgotten) {
    {
        RunJournal journal(path());
        std::vector<JournalRun> none;
        ASSERT_TRUE(journal.open(none));
        EXPECT_TRUE(none.empty());
        for (const char* key : {"a", "b", "c"})
            journal.began(key, "MARK=1", 11);
        journal.spawned("b", 4711, 22);
        journal.ended(end_of("c"));
        journal.forgotten("a");
        ASSERT_TRUE(journal.flush());
        journal.began("lost", "", 1);  // never flushed
    }
    const auto runs = read();
    ASSERT_EQ(runs.size(), 2u);
    EXPECT_EQ(runs[0].key, "b");
    EXPECT_EQ(runs[0].mark, "MARK=1");
    EXPECT_EQ(runs[0].command, 4711);
    EXPECT_EQ(runs[0].command_started_us, 22);
    EXPECT_FALSE(runs[0].has_end);
    EXPECT_TRUE(runs[1].has_end);
    EXPECT_EQ(runs[1].end.status, 3 << 8);
    EXPECT_EQ(runs[1].end.killed, KillReason::memory);
    EXPECT_EQ(runs[1].end.tail, std::string("a\0b", 3));
}

TEST_F(Journal, LosesNothingBeforeATornTail) {
    std::size_t first = 0;
    {
        RunJournal journal(path());
        std::vector<JournalRun> none;
        ASSERT_TRUE(journal.open(none));
        journal.began("a", "", 1);
        journal.flush();
        first = journal.size();
        journal.ended(end_of("a"));
        journal.flush();
    }
    const std::string whole = bytes();
    for (std::size_t cut = first; cut < whole.size(); ++cut) {
        std::ofstream(path(), std::ios::binary) << whole.substr(0, cut);
        const auto runs = read();
        ASSERT_EQ(runs.size(), 1u) << cut;
        EXPECT_FALSE(runs[0].has_end);
    }
}

TEST_F(Journal, SaysTheSameAfterItWasRewritten) {
    RunJournal journal(path());
    std::vector<JournalRun> runs;
    ASSERT_TRUE(journal.open(runs));
    for (int i = 0; i < 100; ++i)
        journal.began("run" + std::to_string(i), "M=1", i);
    journal.flush();
    JournalRun kept;
    kept.key = "x";
    kept.mark = "M=2";
    kept.began_us = 3;
    kept.command = 99;
    kept.command_started_us = 98;
    ASSERT_TRUE(journal.rewrite({kept}));
    journal.ended(end_of("x"));
    journal.flush();
    const auto after = read();
    ASSERT_EQ(after.size(), 1u);
    EXPECT_EQ(after[0].mark, "M=2");
    EXPECT_EQ(after[0].command, 99);
    EXPECT_TRUE(after[0].has_end);
}

TEST(Crc32, IsTheUsualOne) {
    EXPECT_EQ(crc32("123456789"), 0xCBF43926u);
}

TEST(FrameCutter, CutsWhateverThePiecesAre) {
    std::string stream;
    for (int i = 0; i < 50; ++i) {
        Writer w(FrameType::kill);
        w.text(std::string(static_cast<std::size_t>(i), 'x'));
        stream += w.finish();
    }
    for (const std::size_t piece : {1u, 3u, 7u, 1000u, 100000u}) {
        FrameCutter cutter;
        std::size_t found = 0;
        for (std::size_t at = 0; at < stream.size(); at += piece) {
            cutter.feed(std::string_view(stream).substr(at, piece));
            FrameType type{};
            std::string_view body;
            while (cutter.next(type, body)) {
                Reader r(body);
                EXPECT_EQ(r.text().size(), found++);
                EXPECT_TRUE(r.ok());
            }
        }
        EXPECT_EQ(found, 50u);
    }
}

TEST(FrameCutter, StopsAtALengthThatCannotBe) {
    for (const std::string& bad :
         {std::string("\0\0\0\0x", 5), std::string("\xff\xff\xff\xffx", 5)}) {
        FrameCutter cutter;
        cutter.feed(bad);
        FrameType type{};
        std::string_view body;
        EXPECT_FALSE(cutter.next(type, body));
        EXPECT_TRUE(cutter.wrong());
    }
}

TEST(StartRun, SurvivesItsEncodingAndNothingShorter) {
    StartRun run;
    run.key = "k";
    run.mark = "A=1\nB=2";
    run.programs = {"/a", "/b"};
    run.argv = {"a", "", "c"};
    run.env = {"X=y"};
    run.cwd = "/";
    run.switch_user = true;
    run.uid = 1;
    run.gid = 2;
    run.groups = {3, 4};
    run.timeout_us = 5;
    run.deadline_us = 6;
    run.memory_bytes = 7;
    run.linger = true;
    run.has_stdin = true;
    run.stdin_bytes = std::string("\0z", 2);
    const std::string frame = encode(run);
    const std::string_view body = std::string_view(frame).substr(5);
    Reader r(body);
    const StartRun back = decode_start(r);
    EXPECT_TRUE(r.ok());
    EXPECT_EQ(encode(back), frame);
    for (std::size_t cut = 0; cut < body.size(); ++cut) {
        Reader shorter(body.substr(0, cut));
        decode_start(shorter);
        EXPECT_FALSE(shorter.ok()) << cut;
    }
}

TEST(ValidKey, IsNeverAPath) {
    EXPECT_TRUE(valid_key("018f3c2a5b6c7d8e-01763928000000000t-0.1"));
    for (const std::string& bad :
         {std::string(), std::string(".."), std::string(".x"), std::string("a/b"),
          std::string("a\0b", 3), std::string("a b"), std::string(kMaxKeyBytes + 1, 'a')})
        EXPECT_FALSE(valid_key(bad)) << bad;
}

TEST(OwnCgroup, IsBelowTheMountOfTheSecondVersion) {
    const std::string mounts =
        "24 1 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
        "25 24 0:23 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(own_cgroup(mounts, "4:memory:/x\n0::/system.slice/k.service\n"),
              "/sys/fs/cgroup/unified/system.slice/k.service");
    EXPECT_EQ(own_cgroup(mounts, "0::/\n"), "/sys/fs/cgroup/unified");
    EXPECT_EQ(own_cgroup(mounts, "4:memory:/x\n"), "");
    EXPECT_EQ(own_cgroup("24 1 0:22 / /sys rw - sysfs sysfs rw\n", "0::/\n"), "");
    const std::string inside = "25 24 0:23 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    EXPECT_EQ(own_cgroup(inside, "0::/docker/abc/d\n"), "/sys/fs/cgroup/d");
    EXPECT_EQ(own_cgroup(inside, "0::/elsewhere\n"), "");
}

}  // namespace
}  // namespace khronos::runner
