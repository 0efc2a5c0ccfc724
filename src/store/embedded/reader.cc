#include "store/embedded/reader.h"

#include <fmt/format.h>

#include <iterator>
#include <limits>

namespace khronos::store::embedded {
namespace {

// `value`, where it is wanted, is set to the row's, which is valid until the next row is read.
KeyValue row_of(const Statement::Run& row, std::string_view* wanted_value) {
    KeyValue kv;
    kv.key = row.blob(0);
    kv.create_revision = Revision(row.unsigned_integer(1));
    kv.mod_revision = Revision(row.unsigned_integer(2));
    kv.lease = LeaseId(row.unsigned_integer(3));
    if (!wanted_value) return kv;
    std::string_view value = row.blob(5);
    if (row_checksum(kv.key, value, kv.create_revision, kv.mod_revision, kv.lease) !=
        row.unsigned_integer(4))
        throw_damaged(fmt::format("the key '{}' has a wrong checksum", kv.key));
    *wanted_value = value;
    return kv;
}

}  // namespace

Reader::Reader(Limits limits, const std::string& file, const Connection::Options& options,
               Health& health, std::function<StoreStatus()> status)
    : limits_(limits),
      health_(health),
      status_(std::move(status)),
      connection_(file, options),
      state_table_(connection_),
      begin_(connection_, "BEGIN"),
      end_(connection_, "ROLLBACK"),
      get_(connection_,
           "SELECT key, create_revision, mod_revision, lease, checksum, value FROM kv WHERE key=?"),
      ascending_(connection_,
                 "SELECT key, create_revision, mod_revision, lease, checksum, value FROM kv "
                 "WHERE key>=? AND key<? ORDER BY key LIMIT ?"),
      descending_(connection_,
                  "SELECT key, create_revision, mod_revision, lease, checksum, value FROM kv "
                  "WHERE key>=? AND key<? ORDER BY key DESC LIMIT ?"),
      keys_ascending_(connection_,
                      "SELECT key, create_revision, mod_revision, lease FROM kv "
                      "WHERE key>=? AND key<? ORDER BY key LIMIT ?"),
      keys_descending_(connection_,
                       "SELECT key, create_revision, mod_revision, lease FROM kv "
                       "WHERE key>=? AND key<? ORDER BY key DESC LIMIT ?"),
      thread_([this] { run(); }) {}

Reader::~Reader() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

bool Reader::enqueue(ReadJob job) {
    {
        std::lock_guard lock(mutex_);
        if (waiting_.size() >= limits_.waiting_reads) return false;
        waiting_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

void Reader::run() {
    become_background_thread("store-reader");
    while (true) {
        std::vector<ReadJob> jobs = take();
        if (jobs.empty()) return;
        answer(std::move(jobs));
    }
}

std::vector<ReadJob> Reader::take() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
    std::vector<ReadJob> jobs;
    if (waiting_.size() <= limits_.snapshot_reads) {
        jobs.swap(waiting_);
        return jobs;
    }
    auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(limits_.snapshot_reads);
    std::move(waiting_.begin(), end, std::back_inserter(jobs));
    waiting_.erase(waiting_.begin(), end);
    return jobs;
}

void Reader::answer(std::vector<ReadJob> jobs) {
    std::size_t done = 0;
    try {
        if (!health_.broken()) {
            begin_.execute();
            Revision revision = state_table_.read().revision;
            for (; done < jobs.size(); ++done) {
                const ReadJob& job = jobs[done];
                Reply reply{job.request, {}};
                if (const GetRequest* one = std::get_if<GetRequest>(&job.what))
                    reply.result = get(*one, revision);
                else if (const RangeRequest* many = std::get_if<RangeRequest>(&job.what))
                    reply.result = range(*many, revision);
                else
                    reply.result = status_();
                job.from->send(std::move(reply));
            }
            end_.execute();
        }
    } catch (const SqlError& error) {
        health_.set_broken(error);
        if (connection_.in_transaction()) sqlite3_exec(connection_.handle(), "ROLLBACK", 0, 0, 0);
    }
    std::string why = health_.broken().value_or("");
    for (; done < jobs.size(); ++done)
        fail(jobs[done], why);
}

void Reader::fail(const ReadJob& job, const std::string& why) {
    ReadError error{RefusedKind::closed, why};
    Reply reply{job.request, {}};
    if (std::holds_alternative<GetRequest>(job.what))
        reply.result = std::expected<GetResult, ReadError>(std::unexpected(error));
    else if (std::holds_alternative<RangeRequest>(job.what))
        reply.result = std::expected<RangeResult, ReadError>(std::unexpected(error));
    else
        reply.result = status_();
    job.from->send(std::move(reply));
}

std::expected<GetResult, ReadError> Reader::get(const GetRequest& request, Revision revision) {
    GetResult result{std::nullopt, revision};
    auto row = get_.run(std::string_view(request.key));
    if (row.next()) {
        std::string_view value;
        result.kv = row_of(row, &value);
        result.kv->value = SharedBytes(value);
    }
    return result;
}

std::expected<RangeResult, ReadError> Reader::range(const RangeRequest& request,
                                                    Revision revision) {
    RangeResult result;
    result.revision = revision;
    // One more than asked for, to see whether there is more.
    std::int64_t rows_wanted = std::numeric_limits<std::int64_t>::max();
    if (request.limit < static_cast<std::size_t>(rows_wanted))
        rows_wanted = static_cast<std::int64_t>(request.limit) + 1;
    Statement& statement = request.keys_only
                               ? (request.descending ? keys_descending_ : keys_ascending_)
                               : (request.descending ? descending_ : ascending_);
    auto rows =
        statement.run(std::string_view(request.begin), std::string_view(request.end), rows_wanted);
    // The values are made in one go when all keys are there: keys are short-lived, values may live
    // for long, and in turns they would leave a hole in memory beside each value.
    std::string values;
    std::vector<std::size_t> sizes;
    while (rows.next()) {
        if (result.kvs.size() == request.limit) {
            result.more = true;
            break;
        }
        std::string_view value;
        result.kvs.push_back(row_of(rows, request.keys_only ? nullptr : &value));
        values += value;
        sizes.push_back(value.size());
    }
    const char* at = values.data();
    for (std::size_t i = 0; i < sizes.size(); ++i) {
        result.kvs[i].value = SharedBytes({at, sizes[i]});
        at += sizes[i];
    }
    return result;
}

}  // namespace khronos::store::embedded
