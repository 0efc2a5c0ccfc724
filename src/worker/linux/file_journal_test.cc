#include "worker/linux/file_journal.h"

#include "worker/linux/testing/host_fixture.h"

namespace khronos::worker {
namespace {

using core::attempt::AttemptNote;
using core::attempt::AttemptStep;

AttemptNote note(AttemptStep step, std::uint32_t n) {
    AttemptNote v;
    v.step = step;
    v.id = attempt_number(n);
    v.token = FenceToken{n};
    return v;
}

struct Opened {
    explicit Opened(const std::string& path, std::string boot = "boot-1",
                    std::uint64_t long_bytes = 4u << 20)
        : journal({path, std::move(boot), long_bytes}, loop) {
        auto result = journal.load();
        EXPECT_TRUE(result);
        past = std::move(*result);
    }
    void sync() {
        bool done = false;
        journal.sync([&] { done = true; });
        loop.run_until([&] { return done; });
    }
    runtime::ManualLoop loop;
    FileJournal journal;
    AttemptJournal::Past past;
};

TEST(FileJournal, RemembersWhatIsNotForgotten) {
    const TempDir dir;
    {
        Opened j(dir / "notes");
        EXPECT_TRUE(j.past.notes.empty());
        for (std::uint32_t i = 1; i <= 3; ++i)
            j.journal.append(note(AttemptStep::intended, i));
        j.journal.append(note(AttemptStep::started, 2));
        j.journal.append(note(AttemptStep::forgotten, 1));
        j.sync();
    }
    Opened j(dir / "notes");
    EXPECT_TRUE(j.past.same_boot);
    ASSERT_EQ(j.past.notes.size(), 2u);
    EXPECT_EQ(j.past.notes.at(attempt_number(2)).step, AttemptStep::started);
    EXPECT_EQ(j.past.notes.at(attempt_number(3)).step, AttemptStep::intended);
}

TEST(FileJournal, SurvivesATornTailAtEveryByte) {
    const TempDir dir;
    std::string whole;
    std::size_t first = 0;
    {
        Opened j(dir / "whole");
        j.journal.append(note(AttemptStep::intended, 1));
        j.sync();
        first = contents(dir / "whole").size();
        j.journal.append(note(AttemptStep::started, 1));
        whole = contents(dir / "whole");
    }
    for (std::size_t cut = first; cut < whole.size(); ++cut) {
        std::ofstream(dir / "torn", std::ios::binary) << whole.substr(0, cut);
        {
            Opened j(dir / "torn");
            ASSERT_EQ(j.past.notes.size(), 1u) << cut;
            EXPECT_EQ(j.past.notes.begin()->second.step, AttemptStep::intended);
            j.journal.append(note(AttemptStep::intended, 2));
        }
        // What is written after the tear is found again.
        Opened j(dir / "torn");
        EXPECT_EQ(j.past.notes.size(), 2u) << cut;
    }
}

TEST(FileJournal, StopsAtAFlippedBit) {
    const TempDir dir;
    std::size_t first = 0;
    {
        Opened j(dir / "notes");
        j.journal.append(note(AttemptStep::intended, 1));
        first = contents(dir / "notes").size();
        j.journal.append(note(AttemptStep::intended, 2));
    }
    std::string bytes = contents(dir / "notes");
    bytes[first + 12] ^= 1;
    std::ofstream(dir / "notes", std::ios::binary) << bytes;
    EXPECT_EQ(Opened(dir / "notes").past.notes.size(), 1u);
}

TEST(FileJournal, NoticesThatTheMachineWasStartedAnewUntilItsEndsAreDurable) {
    const TempDir dir;
    {
        Opened j(dir / "notes", "boot-1");
        j.journal.append(note(AttemptStep::intended, 1));
        j.sync();
    }
    {
        Opened j(dir / "notes", "boot-2");
        EXPECT_FALSE(j.past.same_boot);
        // It dies before it has written down what became of the old attempts.
    }
    {
        Opened j(dir / "notes", "boot-2");
        EXPECT_FALSE(j.past.same_boot);
        j.journal.append(note(AttemptStep::ended, 1));
        j.sync();
    }
    EXPECT_TRUE(Opened(dir / "notes", "boot-2").past.same_boot);
}

TEST(FileJournal, IsShortenedWhenItIsLong) {
    const TempDir dir;
    {
        Opened j(dir / "notes", "boot-1", 1000);
        for (int i = 0; i < 100; ++i) {
            j.journal.append(note(AttemptStep::intended, 1));
            j.journal.append(note(AttemptStep::forgotten, 1));
        }
        EXPECT_TRUE(j.journal.is_long());
        j.journal.rewrite({note(AttemptStep::intended, 5)});
        EXPECT_FALSE(j.journal.is_long());
        j.journal.append(note(AttemptStep::intended, 6));
        j.sync();
    }
    EXPECT_LT(std::filesystem::file_size(dir / "notes"), 300u);
    EXPECT_EQ(Opened(dir / "notes").past.notes.size(), 2u);
}

}  // namespace
}  // namespace khronos::worker
