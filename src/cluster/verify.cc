#include "cluster/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "cluster/job_peek.h"
#include "cluster/meta.h"
#include "cluster/verify_look.h"
#include "store/keys.h"

namespace khronos::cluster {
namespace {

using store::KeyValue;
using verify::Finding;
namespace keys = store::keys;

constexpr std::size_t kPage = 1000;
constexpr std::string_view kVersions = "versions/";

std::vector<Finding> in_both(const std::vector<Finding>& a, const std::vector<Finding>& b) {
    std::vector<Finding> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    return both;
}

struct Verifier : std::enable_shared_from_this<Verifier> {
    using Done = std::move_only_function<void(std::expected<Verified, Error>)>;
    using Each = std::move_only_function<void(const KeyValue&)>;

    Verifier(store::Store& from, runtime::Loop& on, VerifyOptions with,
             std::function<void(const VerifiedJob&)> tell_job,
             std::function<void(const VerifyProgress&)> tell_progress, Done when_done)
        : store(from),
          loop(on),
          options(std::move(with)),
          on_job(std::move(tell_job)),
          on_progress(std::move(tell_progress)),
          done(std::move(when_done)) {}

    store::Store& store;
    runtime::Loop& loop;
    const VerifyOptions options;
    std::function<void(const VerifiedJob&)> on_job;
    std::function<void(const VerifyProgress&)> on_progress;
    Done done;

    verify::Ticks ticks;
    std::uint64_t token_base = 0;
    std::map<JobUid, std::string> jobs;  // an empty name: there is none any more
    std::map<JobUid, std::string>::iterator next;
    std::size_t looking = 0;
    bool looked_at_all = false;
    std::vector<std::string> suspects;  // open executions without a record that is open
    VerifyProgress progress;
    Verified result;

    void fail(ErrorKind kind, std::string why) {
        if (done) std::exchange(done, nullptr)(std::unexpected(Error{kind, "", std::move(why)}));
    }
    void each(std::string begin, std::string end, bool keys_only, std::shared_ptr<Each> on,
              runtime::Task then) {
        store::RangeRequest request;
        request.begin = std::move(begin);
        request.end = end;
        request.limit = kPage;
        request.keys_only = keys_only;
        store.range(std::move(request), [self = shared_from_this(), end = std::move(end), keys_only,
                                         on, then = std::move(then)](auto got) mutable {
            if (!got) return self->fail(ErrorKind::unavailable, got.error().why);
            for (const KeyValue& kv : got->kvs)
                (*on)(kv);
            if (!got->more) return then();
            self->each(got->kvs.back().key + '\0', std::move(end), keys_only, on, std::move(then));
        });
    }
    void prefix(std::string_view of, bool keys_only, Each on, runtime::Task then) {
        each(std::string(of), store::prefix_end(of), keys_only,
             std::make_shared<Each>(std::move(on)), std::move(then));
    }

    // ---- what there is

    void start() {
        store.get(std::string(keys::kMeta), [self = shared_from_this()](auto got) {
            if (!got) return self->fail(ErrorKind::unavailable, got.error().why);
            if (!got->kv)
                return self->fail(ErrorKind::refused, "there is no Khronos store in there");
            const auto meta = check_meta(*got->kv);
            if (!meta) return self->fail(meta.error().kind, meta.error().message);
            self->token_base = meta->token_base;
            self->list_jobs();
        });
    }
    void list_jobs() {
        prefix(
            keys::kJobs, false,
            [self = shared_from_this()](const KeyValue& kv) {
                const auto job = peek_job(kv.value.view());
                if (!job)
                    self->result.others.push_back({"I13", kv.key + " is no record of a job"});
                else
                    self->jobs[job->uid] = std::string(job->name);
            },
            [self = shared_from_this()] { self->list_deleted(kVersions, {}); });
    }
    // The next uid under `kind` after the last one; one read each.
    void list_deleted(std::string_view kind, std::string begin) {
        if (begin.empty()) begin = std::string(kind);
        store::RangeRequest request;
        request.begin = std::move(begin);
        request.end = store::prefix_end(kind);
        request.limit = 1;
        request.keys_only = true;
        store.range(std::move(request), [self = shared_from_this(), kind](auto got) {
            if (!got) return self->fail(ErrorKind::unavailable, got.error().why);
            if (got->kvs.empty()) {
                if (kind == kVersions) return self->list_deleted(keys::kExecutions, {});
                return self->look_at_jobs();
            }
            const std::string& key = got->kvs.front().key;
            const std::string text = key.substr(kind.size(), 16);
            if (const auto uid = uid_from_hex(text))
                self->jobs.try_emplace(*uid);
            else
                self->result.others.push_back({"I13", key + " names no job"});
            self->list_deleted(kind, std::string(kind) + text + "0");  // what follows its `/`
        });
    }

    // ---- each job

    void look_at_jobs() {
        if (!options.only_job.empty()) {
            std::erase_if(jobs, [&](const auto& job) { return job.second != options.only_job; });
            if (jobs.empty())
                return fail(ErrorKind::not_found,
                            fmt::format("there is no job '{}'", options.only_job));
        }
        progress.of = jobs.size();
        next = jobs.begin();
        look_further();
    }
    void look_further() {
        if (!done) return;  // it failed: nobody waits for more, and the store may be gone
        while (next != jobs.end() && looking < options.jobs_at_a_time) {
            ++looking;
            const auto job = next++;
            look(job->first, job->second, 1, {});
        }
        // The last ones may all be through before the first of them comes here.
        if (looking == 0 && next == jobs.end() && !std::exchange(looked_at_all, true))
            check_shards();
    }
    void look(JobUid uid, std::string name, int count, std::vector<Finding> before) {
        look_at_job(store, uid, name, token_base, ticks, options.clocks,
                    [self = shared_from_this(), uid, name, count,
                     before = std::move(before)](auto looked) mutable {
                        if (!looked) return self->fail(ErrorKind::unavailable, looked.error());
                        auto& findings = looked->verdict.findings;
                        if (count > 1) findings = in_both(before, findings);
                        if (!findings.empty() && count < self->options.looks)
                            return self->look(uid, std::move(name), count + 1, std::move(findings));
                        self->job_is_done(uid, std::move(*looked));
                    });
    }
    void job_is_done(JobUid uid, LookedAt looked) {
        if (!done) return;
        --looking;
        ++result.jobs;
        result.records += looked.records;
        result.ticks += looked.verdict.ticks;
        result.ticks_unknown += looked.verdict.ticks_unknown;
        result.jobs_unknown += !looked.verdict.unknown.empty() || looked.verdict.ticks_unknown > 0;
        result.findings += looked.verdict.findings.size();
        if (on_job)
            on_job({std::move(looked.name), uid, looked.deleted, looked.records,
                    std::move(looked.verdict)});
        ++progress.done;
        if (on_progress) on_progress(progress);
        // Not from within a long chain of answers.
        loop.post([self = shared_from_this()] { self->look_further(); });
    }

    // ---- what is of no job

    void check_shards() {
        if (!options.only_job.empty()) return finish();
        prefix(
            keys::kShards, false,
            [self = shared_from_this()](const KeyValue& kv) {
                const auto key = keys::shard_key_of(kv.key);
                if (!key || key->part != keys::ShardPart::cursor) return;
                const auto cursor = store::decode<core::Cursor>(kv.value.view());
                auto wrong = [&](std::string why) {
                    self->result.others.push_back({"I12", kv.key + ": " + std::move(why)});
                };
                if (!cursor) return wrong(cursor.error());
                if (cursor->pass_end.is_set() && cursor->pass_end < cursor->t)
                    wrong("a pass goes back");
                if (cursor->t > self->loop.wall_now() + self->options.clocks.ahead)
                    wrong(fmt::format("everything is decided up to {}, which is still to come",
                                      to_rfc3339(cursor->t)));
            },
            [self = shared_from_this()] { self->list_open(); });
    }
    void list_open() {
        prefix(
            keys::kOpen, true,
            [self = shared_from_this()](const KeyValue& kv) { self->suspects.push_back(kv.key); },
            [self = shared_from_this()] { self->check_open(self->options.looks); });
    }
    // An open execution has a record that says so. Those of which it was not so are looked at
    // again.
    void check_open(int looks) {
        if (suspects.empty()) return finish();
        if (looks == 0) {
            for (const std::string& key : suspects)
                result.others.push_back({"I16", key + " is of no execution that is open"});
            return finish();
        }
        auto left = std::make_shared<std::vector<std::string>>();
        check_next_open(0, left, [self = shared_from_this(), left, looks] {
            self->suspects = std::move(*left);
            self->check_open(looks - 1);
        });
    }
    void check_next_open(std::size_t from, std::shared_ptr<std::vector<std::string>> left,
                         runtime::Task then) {
        if (from == suspects.size()) return then();
        const auto item = keys::open_of_key(suspects[from]);
        if (!item) {
            left->push_back(suspects[from]);
            return check_next_open(from + 1, left, std::move(then));
        }
        store.get(keys::execution(item->id), [self = shared_from_this(), from, left,
                                              then = std::move(then)](auto got) mutable {
            if (!got) return self->fail(ErrorKind::unavailable, got.error().why);
            const auto record = got->kv ? store::decode<core::Execution>(got->kv->value.view())
                                        : std::unexpected(std::string());
            if (record && core::is_open(record->state))
                return self->check_next_open(from + 1, left, std::move(then));
            // It ended meanwhile, perhaps.
            self->store.get(self->suspects[from],
                            [self, from, left, then = std::move(then)](auto still) mutable {
                                if (!still)
                                    return self->fail(ErrorKind::unavailable, still.error().why);
                                if (still->kv) left->push_back(self->suspects[from]);
                                self->check_next_open(from + 1, left, std::move(then));
                            });
        });
    }

    void finish() {
        std::sort(result.others.begin(), result.others.end());
        result.findings += result.others.size();
        if (done) std::exchange(done, nullptr)(std::move(result));
    }
};

}  // namespace

void verify_store(store::Store& store, runtime::Loop& loop, VerifyOptions options,
                  std::function<void(const VerifiedJob&)> on_job,
                  std::function<void(const VerifyProgress&)> on_progress,
                  std::move_only_function<void(std::expected<Verified, Error>)> done) {
    std::make_shared<Verifier>(store, loop, std::move(options), std::move(on_job),
                               std::move(on_progress), std::move(done))
        ->start();
}

}  // namespace khronos::cluster
