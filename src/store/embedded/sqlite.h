// SQLite, as little of it as the store needs. The only header that includes sqlite3.h; errors are
// thrown as SqlError and caught inside this leaf.
//
// A connection and its statements belong to one thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace khronos::store::embedded {

struct SqlError {
    int code = 0;          // SQLite's extended code
    int system_errno = 0;  // of the system call that failed, if one did
    std::string what;

    bool no_space() const;
    // The content of the file is not what SQLite left there.
    bool damaged() const;
    // Any other failure of a read, a write or a sync.
    bool io() const;
};

class Connection {
  public:
    struct Options {
        std::string vfs;  // empty: SQLite's default
        int cache_kib = 8 * 1024;
    };
    // The file must exist.
    Connection(const std::string& file, const Options& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void execute(const std::string& sql);          // statements without rows
    std::int64_t integer(const std::string& sql);  // the first column of the only row
    std::string text(const std::string& sql);
    bool in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

    // A checkpoint in one of SQLITE_CHECKPOINT_*'s modes. False if others were in the way.
    bool checkpoint(int mode);
    // Frames in the log after this connection's last commit.
    int wal_frames() const { return wal_frames_; }

    sqlite3* handle() const { return db_; }
    [[noreturn]] void fail(int code) const;

  private:
    sqlite3* db_ = nullptr;
    int wal_frames_ = 0;
};

class Statement {
  public:
    Statement(Connection& connection, const char* sql);
    ~Statement();
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    // One run of the statement: binds the arguments, steps, and resets when it goes. Text and
    // blobs are not copied: they must outlive it.
    class Run {
      public:
        explicit Run(Statement& statement) : statement_(statement) {}
        ~Run() { sqlite3_reset(statement_.statement_); }
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;

        bool next();  // false: no further row
        std::int64_t integer(int column) const;
        std::uint64_t unsigned_integer(int column) const;
        // Valid until the next step.
        std::string_view blob(int column) const;

      private:
        Statement& statement_;
    };

    template <class... Args>
    Run run(const Args&... args) {
        int index = 0;
        (bind(++index, args), ...);
        return Run(*this);
    }
    template <class... Args>
    void execute(const Args&... args) {
        Run once = run(args...);
        while (once.next()) {
        }
    }

  private:
    void bind(int index, std::string_view blob);
    void bind(int index, std::int64_t number);
    void bind(int index, std::uint64_t number) { bind(index, static_cast<std::int64_t>(number)); }

    Connection& connection_;
    sqlite3_stmt* statement_ = nullptr;
};

}  // namespace khronos::store::embedded
