#include "store/embedded/sqlite.h"

#include <cerrno>

namespace khronos::store::embedded {

bool SqlError::no_space() const {
    if ((code & 0xff) == SQLITE_FULL) return true;
    bool out_of_space = system_errno == ENOSPC || system_errno == EDQUOT;
    return (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_FSYNC && out_of_space;
}

bool SqlError::damaged() const {
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

bool SqlError::io() const {
    return (code & 0xff) == SQLITE_IOERR && !no_space();
}

// ---- Connection

Connection::Connection(const std::string& file, const Options& options) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const char* vfs = options.vfs.empty() ? nullptr : options.vfs.c_str();
    try {
        if (int code = sqlite3_open_v2(file.c_str(), &db_, flags, vfs); code != SQLITE_OK)
            fail(code);
        sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        sqlite3_busy_timeout(db_, 5000);  // only checkpoints ever wait, and only for readers
        // Instead of SQLite's own, which would checkpoint within a commit.
        sqlite3_wal_hook(
            db_,
            [](void* self, sqlite3*, const char*, int frames) {
                static_cast<Connection*>(self)->wal_frames_ = frames;
                return SQLITE_OK;
            },
            this);
        execute("PRAGMA synchronous=FULL");
        execute("PRAGMA cell_size_check=ON");
        execute("PRAGMA trusted_schema=OFF");
        execute("PRAGMA cache_size=-" + std::to_string(options.cache_kib));
    } catch (...) {
        sqlite3_close_v2(db_);
        throw;
    }
}

Connection::~Connection() {
    sqlite3_close_v2(db_);
}

void Connection::fail(int code) const {
    SqlError error{code, 0, sqlite3_errstr(code)};
    if (db_) {
        error.code = sqlite3_extended_errcode(db_);
        if (error.code == SQLITE_OK) error.code = code;
        error.system_errno = sqlite3_system_errno(db_);
        error.what = sqlite3_errmsg(db_);
    }
    throw error;
}

void Connection::execute(const std::string& sql) {
    int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code);
}

std::int64_t Connection::integer(const std::string& sql) {
    Statement statement(*this, sql.c_str());
    auto run = statement.run();
    return run.next() ? run.integer(0) : 0;
}

std::string Connection::text(const std::string& sql) {
    Statement statement(*this, sql.c_str());
    auto run = statement.run();
    return run.next() ? std::string(run.blob(0)) : std::string();
}

bool Connection::checkpoint(int mode) {
    int code = sqlite3_wal_checkpoint_v2(db_, nullptr, mode, nullptr, nullptr);
    if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) return false;
    if (code != SQLITE_OK) fail(code);
    return true;
}

// ---- Statement

Statement::Statement(Connection& connection, const char* sql) : connection_(connection) {
    int code = sqlite3_prepare_v3(connection.handle(), sql, -1, SQLITE_PREPARE_PERSISTENT,
                                  &statement_, nullptr);
    if (code != SQLITE_OK) connection.fail(code);
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

void Statement::bind(int index, std::string_view blob) {
    // A null pointer would bind NULL, not an empty blob.
    const char* data = blob.data() ? blob.data() : "";
    int code = sqlite3_bind_blob64(statement_, index, data, blob.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) connection_.fail(code);
}

void Statement::bind(int index, std::int64_t number) {
    int code = sqlite3_bind_int64(statement_, index, number);
    if (code != SQLITE_OK) connection_.fail(code);
}

bool Statement::Run::next() {
    int code = sqlite3_step(statement_.statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) statement_.connection_.fail(code);
    return false;
}

std::int64_t Statement::Run::integer(int column) const {
    return sqlite3_column_int64(statement_.statement_, column);
}

std::uint64_t Statement::Run::unsigned_integer(int column) const {
    return static_cast<std::uint64_t>(integer(column));
}

std::string_view Statement::Run::blob(int column) const {
    const void* data = sqlite3_column_blob(statement_.statement_, column);
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.statement_, column));
    // NULL means an empty blob, or no memory to load a big one.
    if (!data) {
        if (sqlite3_errcode(statement_.connection_.handle()) == SQLITE_NOMEM)
            statement_.connection_.fail(SQLITE_NOMEM);
        return {};
    }
    return {static_cast<const char*>(data), size};
}

}  // namespace khronos::store::embedded
