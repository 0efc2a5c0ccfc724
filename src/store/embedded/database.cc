#include "store/embedded/database.h"

#include <fmt/format.h>

#include <future>

#include "store/embedded/file.h"
#include "store/embedded/wal_scan.h"

namespace khronos::store::embedded {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    revision INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE TABLE kv (
    key BLOB PRIMARY KEY,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    lease INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
)";

std::unexpected<Error> refused(std::string message) {
    return std::unexpected(Error{ErrorKind::refused, "", std::move(message)});
}

// Makes the tables in an empty file. Nothing of an interrupted attempt is left but an empty file.
void create(Connection& db) {
    db.execute("BEGIN IMMEDIATE");
    db.execute(kSchema);
    db.execute(fmt::format("PRAGMA application_id={}", kApplicationId));
    db.execute(fmt::format("PRAGMA user_version={}", kFormatVersion));
    StateTable(db).write(StoredState{});
    db.execute("COMMIT");
}

// Nothing if the file is ours and of this format.
std::optional<std::string> check_format(Connection& db, const std::string& file) {
    std::int64_t application = db.integer("PRAGMA application_id");
    if (application != kApplicationId)
        return fmt::format(
            "'{}' is a database of another program; give khronos a directory of "
            "its own",
            file);
    std::int64_t format = db.integer("PRAGMA user_version");
    if (format != kFormatVersion)
        return fmt::format(
            "'{}' has format {}, and this khronos knows only format {}; run the "
            "version of khronos that wrote it, or a newer one",
            file, format, kFormatVersion);
    if (db.integer("SELECT rootpage FROM sqlite_schema WHERE name='state'") != kStatePage)
        return fmt::format(
            "'{}' was rewritten by another program: its tables are not where "
            "khronos puts them; restore the directory from a backup",
            file);
    return std::nullopt;
}

// Reads every row, checks it, and returns the keys that are on a lease.
std::vector<std::string> verify(Connection& db, const StoredState& state) {
    Statement all(db,
                  "SELECT key, create_revision, mod_revision, lease, checksum, value FROM kv "
                  "ORDER BY key");
    Digest digest;
    std::vector<std::string> leased;
    std::string last;
    auto rows = all.run();
    while (rows.next()) {
        std::string_view key = rows.blob(0);
        Revision created(rows.unsigned_integer(1)), modified(rows.unsigned_integer(2));
        LeaseId lease(rows.unsigned_integer(3));
        std::uint64_t expected = rows.unsigned_integer(4);
        if (row_checksum(key, rows.blob(5), created, modified, lease) != expected)
            throw_damaged(fmt::format("the key '{}' has a wrong checksum", key));
        if (digest.rows > 0 && key <= last)
            throw_damaged(fmt::format("the key '{}' is out of order", key));
        if (modified > state.revision)
            throw_damaged(fmt::format("the key '{}' is newer than the store", key));
        digest.add(expected);
        last = key;
        if (lease) leased.emplace_back(key);
    }
    if (digest != state.digest)
        throw_damaged(fmt::format("it has {} keys where it should have {}, or outdated ones",
                                  digest.rows, state.digest.rows));
    return leased;
}

void check_pages(const std::string& file, const Connection::Options& options) {
    Connection db(file, options);
    std::string found = db.text("PRAGMA quick_check(1)");
    if (found != "ok") throw_damaged(found);
}

Error explain(const SqlError& error, const std::string& file) {
    if (error.code == SQLITE_NOTADB)
        return {ErrorKind::refused, "",
                fmt::format("'{}' is not a khronos store, or its beginning is damaged. Restore the "
                            "directory from a backup, or move the file away to start empty",
                            file)};
    if (error.damaged())
        return {ErrorKind::refused, "",
                fmt::format("the store '{}' is damaged: {}. Restore the directory from a backup, "
                            "or move it away to start empty",
                            file, error.what)};
    std::string reason = error.what;
    if (error.system_errno != 0) reason = system_error(reason, error.system_errno).message;
    return {ErrorKind::refused, "", fmt::format("cannot open the store '{}': {}", file, reason)};
}

Opened open_checked(const std::string& file, const Connection::Options& options,
                    std::optional<std::string>& foreign) {
    Opened opened;
    opened.writer = std::make_unique<Connection>(file, options);
    Connection& db = *opened.writer;
    bool empty = db.integer("SELECT count(*) FROM sqlite_schema") == 0 &&
                 db.integer("PRAGMA application_id") == 0;
    if (empty && file_size(file) > 0 && file_size(file) < 512) throw SqlError{SQLITE_NOTADB, 0, ""};
    if (!empty && (foreign = check_format(db, file))) return opened;
    if (db.text("PRAGMA journal_mode=WAL") != "wal")
        throw SqlError{SQLITE_ERROR, 0, "the file system does not support SQLite's WAL mode"};
    // Each page is written once in a commit: the log scan counts on it.
    db.execute("PRAGMA cache_spill=OFF");
    db.execute("PRAGMA journal_size_limit=67108864");
    if (empty) create(db);
    opened.state = StateTable(db).read();
    // The pages that no row is on, too: a free page that is not free would be written over.
    auto pages = std::async(std::launch::async, [&] { check_pages(file, options); });
    opened.leased_keys = verify(db, opened.state);
    pages.get();
    // A log of its own for every process: what a crash left behind the last commit is gone.
    db.checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    return opened;
}

}  // namespace

std::string database_file(const std::string& directory) {
    return directory + "/khronos.db";
}
std::string log_file(const std::string& directory) {
    return database_file(directory) + "-wal";
}

void throw_damaged(std::string what) {
    // A damaged key is whatever bytes there are: a message is text.
    for (char& c : what)
        if (c < ' ' || c > '~') c = '?';
    throw SqlError{SQLITE_CORRUPT, 0, std::move(what)};
}

std::expected<Opened, Error> open_database(const std::string& directory,
                                           const Connection::Options& options) {
    std::string file = database_file(directory);
    auto scanned = scan_wal(log_file(directory), kStatePage);
    if (!scanned) return std::unexpected(scanned.error());
    if (scanned->committed > 0 && file_size(file) == 0)
        return refused(
            fmt::format("'{}' holds changes, but '{}' is missing or empty. Restore the "
                        "directory from a backup, or move both away to start empty",
                        log_file(directory), file));
    if (auto made = make_private_file(directory, file); !made) return std::unexpected(made.error());
    try {
        std::optional<std::string> foreign;
        Opened opened = open_checked(file, options, foreign);
        if (foreign) return refused(*foreign);
        return opened;
    } catch (const SqlError& error) {
        return std::unexpected(explain(error, file));
    }
}

StateTable::StateTable(Connection& connection)
    : read_(connection, "SELECT revision, rows, sum, checksum FROM state WHERE id=0"),
      write_(connection,
             "REPLACE INTO state (id, revision, rows, sum, checksum) "
             "VALUES (0, ?, ?, ?, ?)") {}

StoredState StateTable::read() {
    auto row = read_.run();
    if (!row.next()) throw_damaged("its state row is missing");
    StoredState state{Revision(row.unsigned_integer(0)),
                      {row.unsigned_integer(1), row.unsigned_integer(2)}};
    if (state_checksum(state.revision, state.digest) != row.unsigned_integer(3))
        throw_damaged("its state row has a wrong checksum");
    return state;
}

void StateTable::write(const StoredState& state) {
    write_.execute(state.revision.value, state.digest.rows, state.digest.sum,
                   state_checksum(state.revision, state.digest));
}

}  // namespace khronos::store::embedded
