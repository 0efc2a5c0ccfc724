#include "cluster/job_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/schedule/versioning.h"
#include "store/codec.h"
#include "store/keys.h"
#include "store/settle.h"
#include "store/txns.h"

namespace khronos::cluster {
namespace {

namespace keys = store::keys;
namespace txns = store::txns;

// Of a version that is over: no job's present revision.
constexpr Revision kOverwritten{1};

Error store_error(const store::ReadError& error) {
    return {ErrorKind::unavailable, "", "the store does not answer: " + error.why};
}

// For an outcome that is neither Applied nor Conflict.
Error write_error(const store::WriteOutcome& outcome) {
    if (const auto* refused = std::get_if<store::Refused>(&outcome)) {
        if (refused->kind == store::RefusedKind::too_large)
            return {ErrorKind::invalid, "", "the job is too large to be stored: " + refused->why};
        return {ErrorKind::unavailable, "", "the store refused the write: " + refused->why};
    }
    return {ErrorKind::unavailable, "", "the store closed before it answered"};
}

Error not_found(std::string_view name) {
    return {ErrorKind::not_found, "", fmt::format("there is no job '{}'", name)};
}
Error too_busy() {
    return {ErrorKind::busy, "", "others kept changing it at the same time; try again"};
}
Error changed() {
    return {ErrorKind::conflict, "", "it was changed since it was read; read it again"};
}

std::string key_record(std::string_view name, std::uint64_t fingerprint) {
    return fmt::format("{:016x} {}", fingerprint, name);
}

}  // namespace

struct JobWriter::Saving {
    std::string name;
    // Makes the spec to be saved of the one that is there.
    std::move_only_function<std::expected<core::JobSpec, Error>(const std::optional<core::Job>&)> make;
    PutOptions options;
    Done<SavedJob> done;
    int tries = 0;
};

// Milliseconds since 1970 above 20 random bits, and never the same or a smaller one twice here.
// The writing transaction compares that the job is absent; two agents that draw the same number
// in the same millisecond for two names would share only their history's keys, which the decision
// records' own compares would show.
JobUid JobWriter::new_uid() {
    const auto ms = static_cast<std::uint64_t>(loop_.wall_now().us / 1000);
    const std::uint64_t fresh = ms << 20 | (entropy_.next() & 0xfffff);
    last_uid_ = std::max(last_uid_ + 1, fresh);
    return JobUid(last_uid_);
}

void JobWriter::read(std::string name, Done<Before> done) {
    struct Reading {
        Before before;
        Done<Before> done;
        int missing = 2;
        std::optional<Error> error;
    };
    auto reading = std::make_shared<Reading>();
    reading->done = std::move(done);
    const auto part = [reading](auto take) {
        return [reading, take](std::expected<store::GetResult, store::ReadError> result) {
            if (!result) {
                reading->error = store_error(result.error());
            } else if (result->kv) {
                if (auto wrong = take(*result->kv))
                    reading->error = Error{ErrorKind::internal, "", std::move(*wrong)};
            }
            if (--reading->missing > 0) return;
            if (reading->error) {
                reading->done(std::unexpected(std::move(*reading->error)));
            } else {
                reading->done(std::move(reading->before));
            }
        };
    };
    using Wrong = std::optional<std::string>;
    store_.get(keys::shard_cursor(shard_of(name)), part([reading](const store::KeyValue& kv) -> Wrong {
                   auto cursor = store::decode<core::Cursor>(kv.value.view());
                   if (!cursor) return cursor.error();
                   reading->before.cursor = std::move(*cursor);
                   reading->before.cursor_revision = kv.mod_revision;
                   return std::nullopt;
               }));
    store_.get(keys::job(name), [this, reading, part](auto result) mutable {
        if (result && result->kv) {
            auto job = store::decode<core::Job>(result->kv->value.view());
            if (!job) {
                reading->error = Error{ErrorKind::internal, "", job.error()};
            } else {
                const JobUid uid = job->uid;
                reading->before.job = std::move(*job);
                reading->before.job_revision = result->kv->mod_revision;
                reading->before.job_created = result->kv->create_revision;
                ++reading->missing;
                store_.get(keys::stats(uid), part([reading](const store::KeyValue& kv) -> Wrong {
                               auto stats = store::decode<core::JobStats>(kv.value.view());
                               if (!stats) return stats.error();
                               reading->before.stats = std::move(*stats);
                               reading->before.stats_revision = kv.mod_revision;
                               return std::nullopt;
                           }));
            }
            result->kv.reset();
        }
        part([](const store::KeyValue&) -> Wrong { return std::nullopt; })(std::move(result));
    });
}

// ---- put and edit

void JobWriter::put(core::JobSpec spec, PutOptions options, Done<SavedJob> done) {
    auto saving = std::make_shared<Saving>();
    saving->name = spec.name;
    saving->make = [spec = std::move(spec)](const std::optional<core::Job>&) { return spec; };
    saving->options = std::move(options);
    saving->done = std::move(done);
    save(std::move(saving));
}

void JobWriter::edit(std::string name, std::string updated_by,
                     std::move_only_function<std::expected<void, Error>(core::JobSpec&)> change,
                     Done<SavedJob> done, AuditNote audit) {
    auto saving = std::make_shared<Saving>();
    saving->name = name;
    saving->options.audit = std::move(audit);
    saving->make = [name, change = std::move(change)](const std::optional<core::Job>& job) mutable
        -> std::expected<core::JobSpec, Error> {
        if (!job) return std::unexpected(not_found(name));
        core::JobSpec spec = job->spec;
        if (auto changed = change(spec); !changed) return std::unexpected(changed.error());
        return spec;
    };
    saving->options.updated_by = std::move(updated_by);
    saving->done = std::move(done);
    save(std::move(saving));
}

void JobWriter::save(std::shared_ptr<Saving> saving) {
    if (++saving->tries > config_.tries) return saving->done(std::unexpected(too_busy()));
    if (!saving->options.idempotency_key.empty()) return save_keyed(std::move(saving));
    save_unkeyed(std::move(saving));
}

// What the key was used for is in its record.
void JobWriter::save_keyed(std::shared_ptr<Saving> saving) {
    store_.get(keys::created_by_key(saving->options.idempotency_key), [this, saving](auto result) {
        if (!result) return saving->done(std::unexpected(store_error(result.error())));
        if (!result->kv) return save_unkeyed(saving);
        if (result->kv->value.view() != key_record(saving->name, saving->options.fingerprint))
            return saving->done(std::unexpected(
                invalid("Idempotency-Key", "was used for another request already")));
        get(saving->name, [saving](auto found) {
            if (!found) return saving->done(std::unexpected(found.error()));
            if (!*found) return saving->done(std::unexpected(not_found(saving->name)));
            (*found)->replayed = true;
            saving->done(std::move(**found));
        });
    });
}

void JobWriter::save_unkeyed(std::shared_ptr<Saving> saving) {
    read(saving->name, [this, saving](std::expected<Before, Error> before) {
        if (!before) return saving->done(std::unexpected(before.error()));
        save_read(saving, std::move(*before));
    });
}

void JobWriter::save_read(std::shared_ptr<Saving> saving, Before before) {
    PutOptions& options = saving->options;
    if (options.if_match && *options.if_match != before.job_revision)
        return saving->done(std::unexpected(changed()));
    auto spec = saving->make(before.job);
    if (!spec) return saving->done(std::unexpected(spec.error()));

    const WallTime wall = loop_.wall_now();
    txns::PutJob request;
    request.job_as_read = before.job_revision;
    request.cursor_as_read = before.cursor_revision;
    if (before.job) {
        auto next = core::next_version(*before.job, std::move(*spec), wall, before.cursor,
                                       options.updated_by);
        if (!next) return saving->done(std::unexpected(next.error()));
        request.next = std::move(*next);
        request.previous = before.job;
    } else {
        request.next = core::first_version(std::move(*spec), new_uid(), wall, before.cursor,
                                           options.updated_by);
    }
    const auto ask = [&](const core::TriggerKey& key) {
        request.triggers.push_back({{request.next.uid, key, 0},
                                    request.next.spec.name,
                                    "",
                                    options.updated_by});
    };
    if (const auto key = core::immediate_trigger(request.next, before.job ? &*before.job : nullptr,
                                                 wall, config_.misfire_threshold, entropy_.next()))
        ask(*key);
    else if (options.run_on_create)
        ask({core::TriggerKind::manual, wall, entropy_.next()});

    core::JobStats stats = before.stats;
    if (options.stats) {
        const core::JobStats& brought = *options.stats;
        stats.success_count = std::max(stats.success_count, brought.success_count);
        stats.error_count = std::max(stats.error_count, brought.error_count);
        stats.last_success = std::max(stats.last_success, brought.last_success);
        stats.last_error = std::max(stats.last_error, brought.last_error);
        if (stats != before.stats) {
            request.stats = stats;
            request.stats_as_read = before.stats_revision;
        }
    }

    store::SettleRequest settle;
    settle.txn = txns::put_job(request);
    if (options.audit)
        settle.txn.operations.push_back(
            options.audit(request.previous ? &*request.previous : nullptr, &request.next));
    if (!options.idempotency_key.empty()) {
        std::string key = keys::created_by_key(options.idempotency_key);
        settle.txn.compares.push_back({key, store::Compare::Target::mod_revision, Revision(0)});
        settle.txn.operations.push_back(
            store::Put{std::move(key), key_record(saving->name, options.fingerprint), {}});
    }
    settle.probe = keys::job(request.next.spec.name);
    // uid and generation are this write's own: another writer makes another uid, or fails its
    // compare.
    settle.is_mine = [bytes = store::encode(request.next)](const store::KeyValue& kv) {
        return kv.value.view() == bytes;
    };
    store::settle(store_, loop_, std::move(settle),
                  [this, saving, stats, created = !before.job,
                   next = std::move(request.next)](store::WriteOutcome outcome) mutable {
                      if (const auto* applied = std::get_if<store::Applied>(&outcome)) {
                          saving->done(
                              SavedJob{std::move(next), applied->revision, created, stats});
                      } else if (std::holds_alternative<store::Conflict>(outcome)) {
                          save_conflicted(saving, stats, created, std::move(next));
                      } else {
                          saving->done(std::unexpected(write_error(outcome)));
                      }
                  });
}

// The cursor moved, or somebody else saved the job. After ours was, perhaps, where its outcome was
// unknown: then the version that it made is kept, and it is not saved again over theirs.
void JobWriter::save_conflicted(std::shared_ptr<Saving> saving, core::JobStats stats, bool created,
                                core::Job next) {
    store_.get(keys::version(next.uid, next.generation),
               [this, saving, stats, created, next = std::move(next)](auto result) mutable {
                   if (!result) return saving->done(std::unexpected(store_error(result.error())));
                   if (result->kv)
                       if (const auto version =
                               store::decode<store::JobVersion>(result->kv->value.view());
                           version && version->job == next)
                           return saving->done(
                               SavedJob{std::move(next), kOverwritten, created, stats});
                   save(saving);
               });
}

// ---- remove

void JobWriter::remove(std::string name, std::optional<Revision> if_match,
                       std::string /*removed_by*/, Done<DeletedJob> done, AuditNote audit) {
    remove_try(std::move(name), if_match, config_.tries, std::move(audit), std::move(done));
}

void JobWriter::remove_try(std::string name, std::optional<Revision> if_match, int tries,
                           AuditNote audit, Done<DeletedJob> done) {
    if (tries == 0) return done(std::unexpected(too_busy()));
    read(name, [this, name, if_match, tries, audit = std::move(audit),
                done = std::move(done)](std::expected<Before, Error> before) mutable {
        if (!before) return done(std::unexpected(before.error()));
        if (!before->job) return done(std::unexpected(not_found(name)));
        if (if_match && *if_match != before->job_revision)
            return done(std::unexpected(changed()));
        // The version in force ends where its ticks are decided: what was due and is not decided
        // yet is not run any more.
        const WallTime ended_at = before->cursor.decided_up_to(before->job->uid);
        // Made first: the arguments of a call are evaluated in any order, and one moves `before`.
        store::Txn txn = txns::delete_job(*before->job, before->job_revision,
                                          before->cursor_revision, ended_at);
        if (audit) txn.operations.push_back(audit(&*before->job, nullptr));
        store_.write(
            std::move(txn),
            [this, name, if_match, tries, audit = std::move(audit), before = std::move(*before),
             done = std::move(done)](store::WriteOutcome outcome) mutable {
                if (const auto* applied = std::get_if<store::Applied>(&outcome)) {
                    done(DeletedJob{std::move(*before.job), before.stats, applied->revision});
                } else if (std::holds_alternative<store::Conflict>(outcome)) {
                    remove_try(std::move(name), if_match, tries - 1, std::move(audit),
                               std::move(done));
                } else if (std::holds_alternative<store::Unknown>(outcome)) {
                    // Look whether that very job is gone.
                    store_.get(keys::job(name), [this, name, if_match, tries,
                                                 audit = std::move(audit), before = std::move(before),
                                                 done = std::move(done)](auto result) mutable {
                        if (!result) return done(std::unexpected(store_error(result.error())));
                        if (!result->kv || result->kv->create_revision != before.job_created)
                            return done(DeletedJob{std::move(*before.job), before.stats,
                                                   result->revision});
                        remove_try(std::move(name), if_match, tries - 1, std::move(audit),
                               std::move(done));
                    });
                } else {
                    done(std::unexpected(write_error(outcome)));
                }
            });
    });
}

// ---- run

void JobWriter::run(std::string name, RunOptions options, Done<core::ExecutionId> done) {
    read(name, [this, name, options = std::move(options),
                done = std::move(done)](std::expected<Before, Error> before) mutable {
        if (!before) return done(std::unexpected(before.error()));
        if (!before->job) return done(std::unexpected(not_found(name)));
        core::Trigger trigger;
        trigger.id = {before->job->uid,
                      {options.kind, loop_.wall_now(), entropy_.next()},
                      0};
        trigger.job_name = name;
        trigger.payload = std::move(options.payload);
        trigger.requested_by = std::move(options.requested_by);
        store::SettleRequest settle;
        settle.txn = txns::trigger(trigger, before->job_created, options.idempotency_key);
        if (options.audit)
            settle.txn.operations.push_back(options.audit(&*before->job, &*before->job));
        const bool keyed = !options.idempotency_key.empty();
        const std::string idempotency =
            keyed ? keys::idempotency(trigger.id.uid, options.idempotency_key) : std::string();
        const std::string id_text = core::to_text(trigger.id);
        // A trigger is consumed when it is decided: what tells then is the execution.
        settle.probe = keyed ? idempotency : keys::trigger(shard_of(name), trigger.id);
        settle.is_mine = [keyed, id_text](const store::KeyValue& kv) {
            return !keyed || kv.value.view() == id_text;
        };
        store::settle(
            store_, loop_, std::move(settle),
            [this, name, keyed, idempotency, id = trigger.id,
             done = std::move(done)](store::WriteOutcome outcome) mutable {
                if (std::holds_alternative<store::Applied>(outcome)) return done(id);
                if (!std::holds_alternative<store::Conflict>(outcome))
                    return done(std::unexpected(write_error(outcome)));
                if (!keyed) {
                    store_.get(keys::execution(id),
                               [name, id, done = std::move(done)](auto result) mutable {
                                   if (!result)
                                       return done(std::unexpected(store_error(result.error())));
                                   if (!result->kv) return done(std::unexpected(not_found(name)));
                                   done(id);
                               });
                    return;
                }
                store_.get(idempotency, [name, done = std::move(done)](auto result) mutable {
                    if (!result) return done(std::unexpected(store_error(result.error())));
                    if (!result->kv) return done(std::unexpected(not_found(name)));
                    auto first = core::execution_id_from_text(result->kv->value.view());
                    if (!first)
                        return done(std::unexpected(Error{ErrorKind::internal, "", first.error()}));
                    done(*first);
                });
            });
    });
}

void JobWriter::get(std::string name, Done<std::optional<SavedJob>> done) {
    read(std::move(name), [done = std::move(done)](std::expected<Before, Error> before) mutable {
        if (!before) return done(std::unexpected(before.error()));
        if (!before->job) return done(std::nullopt);
        done(SavedJob{std::move(*before->job), before->job_revision, false, before->stats});
    });
}

}  // namespace khronos::cluster
