// Opening: who may, what is kept from one process to the next, and what the messages say.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "store/embedded/database.h"
#include "store/embedded/embedded_testing.h"
#include "store/embedded/temporary_directory_testing.h"

namespace khronos::store::embedded {
namespace {

using testing::AllOf;
using testing::HasSubstr;

mode_t mode_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

class EmbeddedOpen : public TimeLimitedTest {
  protected:
    // Opens in this process and says why it could not.
    static std::string error_of(const std::string& directory) { return OpenStore(directory).error; }
    TemporaryDirectory directory_;
};
using EmbeddedOpenDeathTest = EmbeddedOpen;

TEST_F(EmbeddedOpen, KeysRevisionsAndTheRevisionCounterOutliveTheProcess) {
    std::map<std::string, KeyValue> before;
    Revision revision;
    {
        OpenStore store(directory_.path());
        store.put("a", "1");
        store.put("b", "1");
        store.put("a", "2");
        store.write({Erase{"b"}});
        before = store.all();
        revision = store.get("a")->revision;
    }
    OpenStore store(directory_.path());
    EXPECT_EQ(store.all(), before);
    EXPECT_EQ(store.get("a")->revision, revision);
    EXPECT_EQ(std::get<Applied>(store.put("c", "1")).revision, revision.next());
}

TEST_F(EmbeddedOpen, KeysOfLeasesEndWithTheProcess) {
    Revision revision;
    LeaseId old_lease;
    {
        OpenStore store(directory_.path());
        old_lease = store
                        .ask<std::expected<LeaseId, ReadError>>(
                            [&](auto done) { store.store->lease_grant(1h, done); })
                        .value();
        store.write({Put{"leased", "1", old_lease}, Put{"kept", "1", {}}});
        revision = store.get("kept")->revision;
    }
    OpenStore store(directory_.path());
    EXPECT_FALSE(store.get("leased")->kv);
    EXPECT_TRUE(store.get("kept")->kv);
    EXPECT_EQ(store.get("kept")->revision, revision.next()) << "their end is a change";
    auto new_lease = store.ask<std::expected<LeaseId, ReadError>>(
        [&](auto done) { store.store->lease_grant(1h, done); });
    EXPECT_NE(new_lease.value(), old_lease);
}

TEST_F(EmbeddedOpen, AWatchFromBeforeTheStartIsLost) {
    Revision revision;
    {
        OpenStore store(directory_.path());
        store.put("a", "1");
        revision = store.get("a")->revision;
    }
    OpenStore store(directory_.path());
    int lost = 0, events = 0;
    auto count = [&](WatchUpdate update) {
        std::holds_alternative<WatchLost>(update) ? ++lost : ++events;
    };
    store.store->watch("a", "b", Revision(revision.value - 1), count);
    store.store->watch("a", "b", revision, count);
    store.put("a", "2");
    EXPECT_EQ(lost, 1);
    EXPECT_EQ(events, 1);
}

TEST_F(EmbeddedOpen, TheDirectoryAndItsFilesAreForTheirOwnerOnly) {
    mode_t old = ::umask(0);
    std::string path = directory_.path() + "/deep/store";
    OpenStore store(path);
    ::umask(old);
    ASSERT_EQ(store.error, "");
    store.put("a", "1");
    EXPECT_EQ(mode_of(path), 0700u);
    for (const char* name : {"/khronos.db", "/khronos.db-wal", "/khronos.db-shm", "/lock"})
        EXPECT_EQ(mode_of(path + name), 0600u) << name;
}

TEST_F(EmbeddedOpen, RightsOfOthersAreTakenAway) {
    {
        OpenStore store(directory_.path());
    }
    ::chmod(directory_.path().c_str(), 0755);
    ::chmod(database_file(directory_.path()).c_str(), 0644);
    OpenStore store(directory_.path());
    EXPECT_EQ(mode_of(directory_.path()), 0700u);
    EXPECT_EQ(mode_of(database_file(directory_.path())), 0600u);
}

TEST_F(EmbeddedOpen, ASecondOpenIsRefusedAndNamesTheDirectoryAndTheProcess) {
    OpenStore store(directory_.path());
    EXPECT_THAT(error_of(directory_.path()),
                AllOf(HasSubstr("'" + directory_.path() + "'"),
                      HasSubstr("in use by process " + std::to_string(::getpid()))));
    EXPECT_TRUE(applied(store.put("a", "1"))) << "the first one is not disturbed";
}

TEST_F(EmbeddedOpenDeathTest, ASecondProcessIsRefused) {
    OpenStore store(directory_.path());
    std::string expected = "in use by process " + std::to_string(::getpid());
    EXPECT_EXIT(
        {
            std::string error = error_of(directory_.path());
            std::fputs(error.c_str(), stderr);
            ::_exit(3);
        },
        testing::ExitedWithCode(3), expected);
}

TEST_F(EmbeddedOpen, AChildThatLivesOnDoesNotKeepTheLock) {
    pid_t child = 0;
    {
        OpenStore store(directory_.path());
        char program[] = "/bin/sleep", argument[] = "600";
        char* arguments[] = {program, argument, nullptr};
        ASSERT_EQ(::posix_spawn(&child, program, nullptr, nullptr, arguments, environ), 0);
    }
    EXPECT_EQ(error_of(directory_.path()), "");
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
}

TEST_F(EmbeddedOpen, AnEmptyFileIsANewStore) {
    std::ofstream(database_file(directory_.path())).flush();
    OpenStore store(directory_.path());
    EXPECT_EQ(store.error, "");
    EXPECT_TRUE(applied(store.put("a", "1")));
}

TEST_F(EmbeddedOpen, AFileThatIsNoDatabaseIsRefusedAndLeftAlone) {
    std::string text(5000, 'x');
    std::ofstream(database_file(directory_.path())) << text;
    EXPECT_THAT(error_of(directory_.path()), AllOf(HasSubstr(database_file(directory_.path())),
                                                   HasSubstr("not a khronos store")));
    std::ifstream in(database_file(directory_.path()));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
}

TEST_F(EmbeddedOpen, ADatabaseOfAnotherProgramIsRefused) {
    std::ofstream(database_file(directory_.path())).flush();
    Connection(database_file(directory_.path()), {}).execute("CREATE TABLE theirs(a)");
    EXPECT_THAT(error_of(directory_.path()), HasSubstr("another program"));
}

TEST_F(EmbeddedOpen, AFormatOfTheFutureIsRefusedWithBothNumbers) {
    {
        OpenStore store(directory_.path());
    }
    Connection(database_file(directory_.path()), {}).execute("PRAGMA user_version=7");
    EXPECT_THAT(error_of(directory_.path()), AllOf(HasSubstr("format 7"), HasSubstr("format 1")));
}

TEST_F(EmbeddedOpen, AStoreThatAnotherProgramVacuumedIsRefusedOrWhole) {
    {
        OpenStore store(directory_.path());
        store.put("a", "1");
    }
    Connection(database_file(directory_.path()), {}).execute("VACUUM");
    OpenStore store(directory_.path());
    if (store.error.empty()) {
        EXPECT_TRUE(store.get("a")->kv);
    }
}

TEST_F(EmbeddedOpen, AFileWhereTheDirectoryShouldBeIsRefused) {
    std::string path = directory_.path() + "/file";
    std::ofstream(path) << "x";
    EXPECT_THAT(error_of(path), AllOf(HasSubstr(path), HasSubstr("Not a directory")));
}

TEST_F(EmbeddedOpenDeathTest, AReadOnlyDirectoryIsRefused) {
    std::string path = directory_.path() + "/store";
    ASSERT_EQ(::mkdir(path.c_str(), 0700), 0);
    ::chmod(directory_.path().c_str(), 0755);
    ::chmod(path.c_str(), 0500);
    if (::getuid() == 0) {
        ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
    }
    EXPECT_EXIT(
        {
            // Root may write anywhere.
            if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(1);
            std::string error = error_of(path);
            std::fputs(error.c_str(), stderr);
            ::_exit(3);
        },
        testing::ExitedWithCode(3), "cannot write in the data directory '.*Permission denied");
}

}  // namespace
}  // namespace khronos::store::embedded
