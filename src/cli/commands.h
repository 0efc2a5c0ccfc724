// The commands that speak to an agent: `khronos job|execution|why|status|version`. Each is a
// function of its arguments and of a Session; none knows a global. Answers go to `out`, faults
// and remarks to `err`.
//
// Exit codes: 0 done, 1 failed, 2 usage; `job run --wait` and `execution logs -f` pass the job's
// own on, 124 when time is up.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/http_client.h"

namespace khronos::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kTimedOut = 124;

inline constexpr std::string_view kDefaultServer = "http://127.0.0.1:10001";

enum class Format : std::uint8_t { table, wide, json, yaml, name };
std::optional<Format> format_from_text(std::string_view text);

struct Options {
    std::string server{kDefaultServer};  // for messages; the client knows it
    Format format = Format::table;
    bool quiet = false;        // only what was asked for; no remarks
    bool yes = false;          // do not ask
    bool color = false;        // a terminal that may be coloured
    bool interactive = false;  // somebody can answer a question
    bool progress = false;     // somebody sees standard error: long work may show how far it is
    int width = 0;             // of the terminal, in columns; 0: none, nothing is cut
};

// A document to apply, by the name that messages call it.
struct SourceFile {
    std::string name;
    std::string text;
};
enum class SourceFormat : std::uint8_t { json, yaml, toml };

struct Session {
    HttpClient& http;
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    // A file, or those of a directory that are meant for it, in the order of their names.
    std::function<std::expected<std::vector<SourceFile>, std::string>(const std::string&)> read;
    std::function<MonoTime()> now;
    std::function<void(Duration)> pause;
    // The documents of a YAML text, or the one of a TOML text.
    std::function<std::expected<std::vector<boost::json::value>, std::string>(SourceFormat,
                                                                              const std::string&)>
        parse;
    std::function<WallTime()> wall;
};

// ---- khronos job

struct JobListArgs {
    std::string contains = {};             // --contains: in name or display name
    std::string status = {};               // --status
    std::vector<std::string> labels = {};  // -l key=value: of the metadata, all of them
    std::string sort = "name";
    bool descending = false;
    std::optional<std::uint64_t> limit = {};
};
int job_list(const Options& options, const JobListArgs& args, Session& session);

int job_get(const Options& options, const std::string& name, Session& session);

struct JobApplyArgs {
    std::vector<std::string> files = {};  // -f; `-` is standard input
    bool dry_run = false;
};
// All documents are checked before the first is saved.
int job_apply(const Options& options, const JobApplyArgs& args, Session& session);

// What an apply would change, in fields and in the ticks of the coming week. 0 nothing, 1
// something; 2 where that cannot be told.
int job_plan(const Options& options, const JobApplyArgs& args, Session& session);

int job_delete(const Options& options, const std::vector<std::string>& names, Session& session);

struct JobRunArgs {
    std::string name;
    std::string payload = {};  // JSON text
    std::string idempotency_key = {};
    bool wait = false;
    Duration timeout{0};  // of the wait; 0: for ever
};
int job_run(const Options& options, const JobRunArgs& args, Session& session);

int job_pause(const Options& options, const std::vector<std::string>& names, bool paused,
              Session& session);

struct JobNextArgs {
    std::string name;
    std::uint64_t count = 5;
    std::string from = {};  // RFC 3339; empty: now
};
int job_next(const Options& options, const JobNextArgs& args, Session& session);

// ---- khronos execution, and `job history`

struct ExecutionListArgs {
    std::string job = {};     // empty: all
    std::string status = {};  // words with commas between
    std::string since = {};   // RFC 3339
    std::uint64_t limit = 20;
};
int execution_list(const Options& options, const ExecutionListArgs& args, Session& session);
int execution_get(const Options& options, const std::string& id, Session& session);

struct ExecutionLogsArgs {
    std::string id;
    bool follow = false;
    Duration timeout{0};  // of the following; 0: for ever
};
int execution_logs(const Options& options, const ExecutionLogsArgs& args, Session& session);
int execution_cancel(const Options& options, const std::vector<std::string>& ids, Session& session);

struct ExecutionRetryArgs {
    std::vector<std::string> ids;
    bool wait = false;  // for the one that is given
    Duration timeout{0};
};
int execution_retry(const Options& options, const ExecutionRetryArgs& args, Session& session);

// ---- khronos import

struct ImportCrontabArgs {
    std::vector<std::string> files;   // `-` is standard input
    std::optional<bool> system = {};  // whether a user's name stands before each command
    std::string prefix = {};          // of the jobs' names
    std::string timezone = {};        // of what no CRON_TZ says: the machine's, for cron
    std::string user = {};            // run_as of crontabs without users
    bool dry_run = false;             // asks no agent; -o json prints what would be saved
    std::function<bool(std::string_view)> is_user = {};  // of this machine
};
// 1 where a line could not be understood or saved; the others are imported.
int import_crontab(const Options& options, const ImportCrontabArgs& args, Session& session);

struct ImportDkronArgs {
    std::vector<std::string> files;  // lists of jobs, as Dkron's GET /v1/jobs answers
    bool dry_run = false;            // lets the agent check, saves nothing
};
int import_dkron(const Options& options, const ImportDkronArgs& args, Session& session);

// ---- khronos simulate

struct SimulateArgs {
    std::vector<std::string> files = {};  // none: the jobs of the agent
    std::string from = {};                // RFC 3339; empty: now
    std::uint64_t days = 7;
    // Runs that the workers take at once, 0: no limit; unset: as many as the agent's workers have.
    std::optional<std::uint32_t> slots = {};
    std::vector<std::string> durations = {};  // NAME=30s
    std::string duration_otherwise = "1s";    // of jobs that nothing is known of
    bool measured = true;                     // ask the agent how long runs took
};
inline constexpr std::uint64_t kSimulateDaysMax = 366;
int simulate(const Options& options, const SimulateArgs& args, Session& session);

// ---- the cluster

int worker_list(const Options& options, Session& session);

struct DrainArgs {
    std::vector<std::string> workers = {};  // ids or nodes
    bool undo = false;
    bool agent = false;  // the one that answers leaves: its shards are handed over
    bool wait = false;   // until the workers have nothing to do any more
    Duration timeout{0};
};
int drain(const Options& options, const DrainArgs& args, Session& session);

struct TokenCreateArgs {
    std::string name;
    std::string role;
    std::string owner = {};
    std::string expires = {};  // a duration or an RFC 3339 time; empty: never
};
// The secret alone goes to `out`; it is shown this once.
int token_create(const Options& options, const TokenCreateArgs& args, Session& session);
int token_list(const Options& options, Session& session);
int token_revoke(const Options& options, const std::vector<std::string>& ids, Session& session);

// ---- khronos backup and restore

// The jobs, with what is counted of them, and whether new ones are refused: one JSON document.
// `write` puts it into the file; an empty path is `out`.
struct BackupArgs {
    std::string path = {};
    std::string version = {};  // of this program
    std::function<std::expected<void, std::string>(const std::string&, const std::string&)> write =
        {};
};
int backup(const Options& options, const BackupArgs& args, Session& session);

struct RestoreArgs {
    std::string path;  // `-`: standard input
    bool dry_run = false;
    bool once_again = false;  // jobs that ran once by their schedule are saved, and so run again
};
int restore(const Options& options, const RestoreArgs& args, Session& session);

// ---- the rest

// `what`: JOB@TIME, or JOB for its latest tick.
int why(const Options& options, const std::string& what, Session& session);
int status(const Options& options, Session& session);
// `own`: this program's version; the agent's is told too where `ask_server`.
int version(const Options& options, const std::string& own, bool ask_server, Session& session);

}  // namespace khronos::cli
