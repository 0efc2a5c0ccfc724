#include "store/codec.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/unknown_field_set.h>

#include "khronos/store/v1/records.pb.h"

namespace khronos::store {
namespace {

using core::Cursor;
using core::Execution;
using core::Job;
using core::JobSpec;
using core::JobStats;
using core::Owner;
using core::PastEra;
using core::Trigger;

// Absent in the record means the default of the model: a set time or a non-default number is
// written, everything else costs no byte.
template <class Setter>
void put_time(WallTime t, Setter set) {
    if (t.is_set()) set(t.us);
}
WallTime required_time(std::int64_t us) { return us == 0 ? WallTime{} : WallTime{us}; }
std::int64_t required_us(WallTime t) { return t.is_set() ? t.us : 0; }

template <class Map>
core::StringMap map_of(const Map& entries) {
    core::StringMap map;
    for (const auto& [key, value] : entries) map.emplace(key, value);
    return map;
}
template <class Map>
void put_map(const core::StringMap& from, Map* to) {
    for (const auto& [key, value] : from) (*to)[key] = value;
}

// Enumerations with "0: absent".
template <class Policy>
std::uint32_t policy_number(Policy value, Policy fallback) {
    return value == fallback ? 0 : static_cast<std::uint32_t>(value);
}
template <class Policy>
Policy policy_of(std::uint32_t number, Policy fallback) {
    return number == 0 ? fallback : static_cast<Policy>(number);
}

const JobSpec kDefaults;

// Fields of a newer build, as their bytes.
template <class Message>
std::string unknown_of(const Message& in) {
    std::string bytes;
    const auto& unknown = Message::GetReflection()->GetUnknownFields(in);
    if (!unknown.empty()) unknown.SerializeToString(&bytes);
    return bytes;
}
template <class Message>
void put_unknown(const std::string& bytes, Message* out) {
    if (!bytes.empty()) Message::GetReflection()->MutableUnknownFields(out)->ParseFromString(bytes);
}

void put_spec(const JobSpec& spec, v1::JobSpec* out) {
    out->set_name(spec.name);
    out->set_display_name(spec.display_name);
    out->set_description(spec.description);
    out->set_timezone(spec.timezone);
    out->set_schedule(spec.schedule);
    out->set_owner(spec.owner);
    out->set_owner_email(spec.owner_email);
    out->set_disabled(spec.disabled);
    out->set_ephemeral(spec.ephemeral);
    put_map(spec.tags, out->mutable_tags());
    put_map(spec.metadata, out->mutable_metadata());
    out->set_parent_job(spec.parent_job);
    out->set_executor(spec.executor);
    put_map(spec.executor_config, out->mutable_executor_config());
    for (const auto& [name, config] : spec.processors)
        put_map(config, (*out->mutable_processors())[name].mutable_entries());
    out->set_payload(spec.payload);
    out->set_application(spec.application);
    out->set_run_as(spec.run_as);
    out->set_calendar(spec.calendar);
    out->set_notify_json(spec.notify_json);
    out->set_concurrency(policy_number(spec.concurrency, kDefaults.concurrency));
    out->set_max_concurrency(spec.max_concurrency);
    if (spec.queue_limit != kDefaults.queue_limit) out->set_queue_limit(spec.queue_limit);
    out->set_balance(policy_number(spec.balance, kDefaults.balance));
    out->set_on_failure(policy_number(spec.on_failure, kDefaults.on_failure));
    out->set_on_lost(policy_number(spec.on_lost, kDefaults.on_lost));
    if (spec.lost_retries != kDefaults.lost_retries) out->set_lost_retries(spec.lost_retries);
    out->set_misfire(policy_number(spec.misfire, kDefaults.misfire));
    if (spec.misfire_limit != kDefaults.misfire_limit) out->set_misfire_limit(spec.misfire_limit);
    out->set_dst_gap(static_cast<std::uint32_t>(spec.dst_gap));
    out->set_dst_overlap(static_cast<std::uint32_t>(spec.dst_overlap));
    out->set_retries(spec.retries);
    out->set_retry_delay(spec.retry_delay.count());
    if (spec.retry_backoff != kDefaults.retry_backoff) out->set_retry_backoff(spec.retry_backoff);
    out->set_retry_max_delay(spec.retry_max_delay.count());
    out->set_timeout(spec.timeout.count());
    if (spec.kill_grace != kDefaults.kill_grace) out->set_kill_grace(spec.kill_grace.count());
    if (spec.guard != kDefaults.guard) out->set_guard(spec.guard.count());
    out->set_spread(spec.spread.count());
    out->set_start_deadline(spec.start_deadline.count());
    out->set_expect(spec.expect.count());
    out->set_linger(spec.linger);
    if (spec.history_limit != kDefaults.history_limit) out->set_history_limit(spec.history_limit);
    put_time(spec.starts_at, [&](auto us) { out->set_starts_at(us); });
    put_time(spec.expires_at, [&](auto us) { out->set_expires_at(us); });
    put_unknown(spec.unknown_fields, out);
}

JobSpec spec_of(const v1::JobSpec& in) {
    JobSpec spec;
    spec.name = in.name();
    spec.display_name = in.display_name();
    spec.description = in.description();
    spec.timezone = in.timezone();
    spec.schedule = in.schedule();
    spec.owner = in.owner();
    spec.owner_email = in.owner_email();
    spec.disabled = in.disabled();
    spec.ephemeral = in.ephemeral();
    spec.tags = map_of(in.tags());
    spec.metadata = map_of(in.metadata());
    spec.parent_job = in.parent_job();
    spec.executor = in.executor();
    spec.executor_config = map_of(in.executor_config());
    for (const auto& [name, config] : in.processors())
        spec.processors.emplace(name, map_of(config.entries()));
    spec.payload = in.payload();
    spec.application = in.application();
    spec.run_as = in.run_as();
    spec.calendar = in.calendar();
    spec.notify_json = in.notify_json();
    spec.concurrency = policy_of(in.concurrency(), kDefaults.concurrency);
    spec.max_concurrency = in.max_concurrency();
    if (in.has_queue_limit()) spec.queue_limit = in.queue_limit();
    spec.balance = policy_of(in.balance(), kDefaults.balance);
    spec.on_failure = policy_of(in.on_failure(), kDefaults.on_failure);
    spec.on_lost = policy_of(in.on_lost(), kDefaults.on_lost);
    if (in.has_lost_retries()) spec.lost_retries = in.lost_retries();
    spec.misfire = policy_of(in.misfire(), kDefaults.misfire);
    if (in.has_misfire_limit()) spec.misfire_limit = in.misfire_limit();
    spec.dst_gap = static_cast<core::DstGap>(in.dst_gap());
    spec.dst_overlap = static_cast<core::DstOverlap>(in.dst_overlap());
    spec.retries = in.retries();
    spec.retry_delay = Duration(in.retry_delay());
    if (in.has_retry_backoff()) spec.retry_backoff = in.retry_backoff();
    spec.retry_max_delay = Duration(in.retry_max_delay());
    spec.timeout = Duration(in.timeout());
    if (in.has_kill_grace()) spec.kill_grace = Duration(in.kill_grace());
    if (in.has_guard()) spec.guard = Duration(in.guard());
    spec.spread = Duration(in.spread());
    spec.start_deadline = Duration(in.start_deadline());
    spec.expect = Duration(in.expect());
    spec.linger = in.linger();
    if (in.has_history_limit()) spec.history_limit = in.history_limit();
    if (in.has_starts_at()) spec.starts_at = WallTime{in.starts_at()};
    if (in.has_expires_at()) spec.expires_at = WallTime{in.expires_at()};
    spec.unknown_fields = unknown_of(in);
    return spec;
}

void put_era(const PastEra& era, v1::PastEra* out) {
    out->set_generation(era.generation.value);
    out->set_from(required_us(era.from));
    out->set_until(required_us(era.until));
    out->set_schedule(era.schedule);
    out->set_timezone(era.timezone);
    out->set_dst_gap(static_cast<std::uint32_t>(era.dst_gap));
    out->set_dst_overlap(static_cast<std::uint32_t>(era.dst_overlap));
    out->set_anchor(required_us(era.anchor));
    put_time(era.starts_at, [&](auto us) { out->set_starts_at(us); });
    put_time(era.expires_at, [&](auto us) { out->set_expires_at(us); });
    out->set_disabled(era.disabled);
}

PastEra era_of(const v1::PastEra& in) {
    PastEra era;
    era.generation = Generation(in.generation());
    era.from = required_time(in.from());
    era.until = required_time(in.until());
    era.schedule = in.schedule();
    era.timezone = in.timezone();
    era.dst_gap = static_cast<core::DstGap>(in.dst_gap());
    era.dst_overlap = static_cast<core::DstOverlap>(in.dst_overlap());
    era.anchor = required_time(in.anchor());
    if (in.has_starts_at()) era.starts_at = WallTime{in.starts_at()};
    if (in.has_expires_at()) era.expires_at = WallTime{in.expires_at()};
    era.disabled = in.disabled();
    return era;
}

// Of a job as it is made.
WallTime first_anchor(WallTime created_at) {
    return created_at.is_set() ? created_at.floor_second() : created_at;
}

void put_job(const Job& job, v1::Job* out) {
    out->set_uid(job.uid.value);
    out->set_generation(job.generation.value);
    put_spec(job.spec, out->mutable_spec());
    out->set_created_at(required_us(job.created_at));
    // A job that was never edited has one time, not four: a million of these are in memory.
    if (job.updated_at != job.created_at) out->set_updated_at(required_us(job.updated_at));
    out->set_updated_by(job.updated_by);
    if (job.anchor != first_anchor(job.created_at)) out->set_anchor(required_us(job.anchor));
    if (job.effective_from != job.created_at)
        out->set_effective_from(required_us(job.effective_from));
    for (const PastEra& era : job.past) put_era(era, out->add_past());
    put_unknown(job.unknown_fields, out);
}

Job job_of(const v1::Job& in) {
    Job job;
    job.uid = JobUid(in.uid());
    job.generation = Generation(in.generation());
    job.spec = spec_of(in.spec());
    job.created_at = required_time(in.created_at());
    job.updated_at = in.updated_at() == 0 ? job.created_at : WallTime{in.updated_at()};
    job.updated_by = in.updated_by();
    job.anchor = in.anchor() == 0 ? first_anchor(job.created_at) : WallTime{in.anchor()};
    job.effective_from =
        in.effective_from() == 0 ? job.created_at : WallTime{in.effective_from()};
    for (const v1::PastEra& era : in.past()) job.past.push_back(era_of(era));
    job.unknown_fields = unknown_of(in);
    return job;
}

void put_attempt(const core::AttemptRecord& attempt, v1::Attempt* out) {
    out->set_attempt(attempt.attempt.value);
    out->set_token(attempt.token.value);
    out->set_worker(attempt.worker);
    out->set_node(attempt.node);
    put_time(attempt.started_at, [&](auto us) { out->set_started_at(us); });
    put_time(attempt.finished_at, [&](auto us) { out->set_finished_at(us); });
    out->set_outcome(static_cast<std::uint32_t>(attempt.outcome));
    out->set_exit_code(attempt.exit_code);
    out->set_signal(attempt.signal);
    out->set_message(attempt.message);
    out->set_reason(static_cast<std::uint32_t>(attempt.reason));
}

core::AttemptRecord attempt_of(const v1::Attempt& in) {
    core::AttemptRecord attempt;
    attempt.attempt = AttemptNo(in.attempt());
    attempt.token = FenceToken(in.token());
    attempt.worker = in.worker();
    attempt.node = in.node();
    if (in.has_started_at()) attempt.started_at = WallTime{in.started_at()};
    if (in.has_finished_at()) attempt.finished_at = WallTime{in.finished_at()};
    attempt.outcome = static_cast<core::ExecutionState>(in.outcome());
    attempt.exit_code = in.exit_code();
    attempt.signal = in.signal();
    attempt.message = in.message();
    attempt.reason = static_cast<core::Reason>(in.reason());
    return attempt;
}

void put_execution(const Execution& e, v1::Execution* out) {
    out->set_uid(e.id.uid.value);
    out->set_trigger_kind(static_cast<unsigned char>(e.id.trigger.kind));
    out->set_trigger_at(required_us(e.id.trigger.at));
    out->set_trigger_nonce(e.id.trigger.nonce);
    out->set_index(e.id.index);
    out->set_job_name(e.job_name);
    out->set_generation(e.generation.value);
    out->set_state(static_cast<std::uint32_t>(e.state));
    out->set_reason(static_cast<std::uint32_t>(e.reason));
    out->set_blocked_by(e.blocked_by);
    out->set_scheduled_at(required_us(e.scheduled_at));
    out->set_decided_at(required_us(e.decided_at));
    out->set_decided_by(e.decided_by);
    out->set_nonce(e.nonce);
    put_time(e.range_from, [&](auto us) { out->set_range_from(us); });
    if (e.range_count != 1) out->set_range_count(e.range_count);
    out->set_range_count_is_floor(e.range_count_is_floor);
    put_time(e.coalesced_into, [&](auto us) { out->set_coalesced_into(us); });
    out->set_attempt(e.attempt.value);
    out->set_token(e.token.value);
    out->set_worker(e.worker);
    out->set_node(e.node);
    put_time(e.not_before, [&](auto us) { out->set_not_before(us); });
    put_time(e.dispatched_at, [&](auto us) { out->set_dispatched_at(us); });
    put_time(e.started_at, [&](auto us) { out->set_started_at(us); });
    put_time(e.finished_at, [&](auto us) { out->set_finished_at(us); });
    out->set_exit_code(e.exit_code);
    out->set_signal(e.signal);
    out->set_message(e.message);
    out->set_output_tail(e.output_tail);
    out->set_output_bytes(e.output_bytes);
    out->set_lost_count(e.lost_count);
    out->set_failed_count(e.failed_count);
    out->set_payload(e.payload);
    for (const core::AttemptRecord& attempt : e.attempts) put_attempt(attempt, out->add_attempts());
    if (e.slot >= 0) out->set_slot(static_cast<std::uint32_t>(e.slot));
    put_unknown(e.unknown_fields, out);
}

Execution execution_of(const v1::Execution& in) {
    Execution e;
    e.id.uid = JobUid(in.uid());
    e.id.trigger.kind = static_cast<core::TriggerKind>(in.trigger_kind());
    e.id.trigger.at = required_time(in.trigger_at());
    e.id.trigger.nonce = in.trigger_nonce();
    e.id.index = static_cast<std::uint16_t>(in.index());
    e.job_name = in.job_name();
    e.generation = Generation(in.generation());
    e.state = static_cast<core::ExecutionState>(in.state());
    e.reason = static_cast<core::Reason>(in.reason());
    e.blocked_by = in.blocked_by();
    e.scheduled_at = required_time(in.scheduled_at());
    e.decided_at = required_time(in.decided_at());
    e.decided_by = in.decided_by();
    e.nonce = in.nonce();
    if (in.has_range_from()) e.range_from = WallTime{in.range_from()};
    e.range_count = in.range_count() == 0 ? 1 : in.range_count();
    e.range_count_is_floor = in.range_count_is_floor();
    if (in.has_coalesced_into()) e.coalesced_into = WallTime{in.coalesced_into()};
    e.attempt = AttemptNo(in.attempt());
    e.token = FenceToken(in.token());
    e.worker = in.worker();
    e.node = in.node();
    if (in.has_not_before()) e.not_before = WallTime{in.not_before()};
    if (in.has_dispatched_at()) e.dispatched_at = WallTime{in.dispatched_at()};
    if (in.has_started_at()) e.started_at = WallTime{in.started_at()};
    if (in.has_finished_at()) e.finished_at = WallTime{in.finished_at()};
    e.exit_code = in.exit_code();
    e.signal = in.signal();
    e.message = in.message();
    e.output_tail = in.output_tail();
    e.output_bytes = in.output_bytes();
    e.lost_count = in.lost_count();
    e.failed_count = in.failed_count();
    e.payload = in.payload();
    for (const v1::Attempt& attempt : in.attempts()) e.attempts.push_back(attempt_of(attempt));
    e.slot = in.has_slot() ? static_cast<std::int32_t>(in.slot()) : -1;
    e.unknown_fields = unknown_of(in);
    return e;
}

// A message for one use. On an arena, which is the quicker; but Debian's protobuf library, which
// is not instrumented, and code that is compiled for the thread sanitizer disagree about arenas.
#ifdef __SANITIZE_THREAD__
template <class Message>
struct Scratch {
    Message message;
    Message* get() { return &message; }
};
#else
template <class Message>
struct Scratch {
    google::protobuf::Arena arena;
    Message* message = google::protobuf::Arena::CreateMessage<Message>(&arena);
    Message* get() { return message; }
};
#endif

// One record type <-> one message type.
template <class Message, class Record, class From>
std::expected<Record, std::string> parse(std::string_view bytes, const char* what, From from) {
    Scratch<Message> scratch;
    Message* message = scratch.get();
    if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return std::unexpected(std::string("a record in the store is no ") + what);
    return from(*message);
}

template <class Message, class Fill>
std::string bytes_of(Fill fill) {
    Scratch<Message> scratch;
    Message* message = scratch.get();
    fill(message);
    return message->SerializeAsString();
}

}  // namespace

std::string encode(const Meta& record) {
    return bytes_of<v1::Meta>([&](v1::Meta* out) {
        out->set_cluster_id(record.cluster_id);
        out->set_format_version(record.format_version);
        out->set_token_base(record.token_base);
        out->set_incomplete(record.incomplete);
        put_unknown(record.unknown_fields, out);
    });
}
std::string encode(const Job& record) {
    return bytes_of<v1::Job>([&](v1::Job* out) { put_job(record, out); });
}
std::string encode(const JobVersion& record) {
    return bytes_of<v1::Job>([&](v1::Job* out) {
        put_job(record.job, out);
        put_time(record.ended_at, [&](auto us) { out->set_ended_at(us); });
        out->set_deleted(record.deleted);
    });
}
std::string encode(const JobStats& record) {
    return bytes_of<v1::JobStats>([&](v1::JobStats* out) {
        out->set_success_count(record.success_count);
        out->set_error_count(record.error_count);
        put_time(record.last_success, [&](auto us) { out->set_last_success(us); });
        put_time(record.last_error, [&](auto us) { out->set_last_error(us); });
        out->set_last_status(record.last_status);
    });
}
std::string encode(const Execution& record) {
    return bytes_of<v1::Execution>([&](v1::Execution* out) { put_execution(record, out); });
}
std::string encode(const Cursor& record) {
    return bytes_of<v1::Cursor>([&](v1::Cursor* out) {
        out->set_t(required_us(record.t));
        put_time(record.pass_end, [&](auto us) { out->set_pass_end(us); });
        out->set_uid(record.uid.value);
        put_time(record.uid_t, [&](auto us) { out->set_uid_t(us); });
        out->set_nonce(record.nonce);
        put_unknown(record.unknown_fields, out);
    });
}
std::string encode(const Owner& record) {
    return bytes_of<v1::Owner>([&](v1::Owner* out) {
        out->set_agent(record.agent);
        out->set_epoch(record.epoch.value);
        out->set_node(record.node);
        put_unknown(record.unknown_fields, out);
    });
}
std::string encode(const core::AgentSession& record) {
    return bytes_of<v1::AgentSession>([&](v1::AgentSession* out) {
        out->set_id(record.id);
        out->set_node(record.node);
        out->set_version(record.version);
        out->set_http_address(record.http_address);
        out->set_rpc_address(record.rpc_address);
        put_map(record.tags, out->mutable_tags());
        out->set_started_at(required_us(record.started_at));
        out->set_clock(required_us(record.clock));
        out->set_leaving(record.leaving);
        out->set_clock_off(record.clock_off);
        put_unknown(record.unknown_fields, out);
    });
}
std::string encode(const Trigger& record) {
    return bytes_of<v1::Trigger>([&](v1::Trigger* out) {
        out->set_uid(record.id.uid.value);
        out->set_kind(static_cast<unsigned char>(record.id.trigger.kind));
        out->set_at(required_us(record.id.trigger.at));
        out->set_nonce(record.id.trigger.nonce);
        out->set_index(record.id.index);
        out->set_job_name(record.job_name);
        out->set_payload(record.payload);
        out->set_requested_by(record.requested_by);
    });
}

std::string encode(const WorkerHeartbeat& record) {
    return bytes_of<v1::WorkerHeartbeat>([&](v1::WorkerHeartbeat* out) {
        out->set_boot_id(record.boot_id);
        out->set_sequence(record.sequence);
        out->set_agent(record.agent);
        put_time(record.at, [&](auto us) { out->set_at(us); });
    });
}

template <>
std::expected<WorkerHeartbeat, std::string> decode<WorkerHeartbeat>(std::string_view bytes) {
    return parse<v1::WorkerHeartbeat, WorkerHeartbeat>(
        bytes, "heartbeat", [](const v1::WorkerHeartbeat& in) {
            WorkerHeartbeat beat{in.boot_id(), in.sequence(), in.agent(), {}};
            if (in.has_at()) beat.at = WallTime{in.at()};
            return beat;
        });
}
template <>
std::expected<Meta, std::string> decode<Meta>(std::string_view bytes) {
    return parse<v1::Meta, Meta>(bytes, "meta record", [](const v1::Meta& in) {
        return Meta{in.cluster_id(), in.format_version(), in.token_base(), in.incomplete(),
                    unknown_of(in)};
    });
}
template <>
std::expected<Job, std::string> decode<Job>(std::string_view bytes) {
    return parse<v1::Job, Job>(bytes, "job", job_of);
}
template <>
std::expected<JobVersion, std::string> decode<JobVersion>(std::string_view bytes) {
    return parse<v1::Job, JobVersion>(bytes, "version of a job", [](const v1::Job& in) {
        JobVersion version{job_of(in), {}, in.deleted()};
        if (in.has_ended_at()) version.ended_at = WallTime{in.ended_at()};
        return version;
    });
}
template <>
std::expected<JobStats, std::string> decode<JobStats>(std::string_view bytes) {
    return parse<v1::JobStats, JobStats>(bytes, "statistics record", [](const v1::JobStats& in) {
        JobStats stats;
        stats.success_count = in.success_count();
        stats.error_count = in.error_count();
        if (in.has_last_success()) stats.last_success = WallTime{in.last_success()};
        if (in.has_last_error()) stats.last_error = WallTime{in.last_error()};
        stats.last_status = in.last_status();
        return stats;
    });
}
template <>
std::expected<Execution, std::string> decode<Execution>(std::string_view bytes) {
    return parse<v1::Execution, Execution>(bytes, "execution", execution_of);
}
template <>
std::expected<Cursor, std::string> decode<Cursor>(std::string_view bytes) {
    return parse<v1::Cursor, Cursor>(bytes, "cursor", [](const v1::Cursor& in) {
        Cursor cursor;
        cursor.t = required_time(in.t());
        if (in.has_pass_end()) cursor.pass_end = WallTime{in.pass_end()};
        cursor.uid = JobUid(in.uid());
        if (in.has_uid_t()) cursor.uid_t = WallTime{in.uid_t()};
        cursor.nonce = in.nonce();
        cursor.unknown_fields = unknown_of(in);
        return cursor;
    });
}
template <>
std::expected<Owner, std::string> decode<Owner>(std::string_view bytes) {
    return parse<v1::Owner, Owner>(bytes, "owner", [](const v1::Owner& in) {
        return Owner{in.agent(), Epoch(in.epoch()), in.node(), unknown_of(in)};
    });
}
template <>
std::expected<core::AgentSession, std::string> decode<core::AgentSession>(std::string_view bytes) {
    return parse<v1::AgentSession, core::AgentSession>(
        bytes, "agent's session", [](const v1::AgentSession& in) {
            core::AgentSession session;
            session.id = in.id();
            session.node = in.node();
            session.version = in.version();
            session.http_address = in.http_address();
            session.rpc_address = in.rpc_address();
            session.tags = map_of(in.tags());
            session.started_at = required_time(in.started_at());
            session.clock = required_time(in.clock());
            session.leaving = in.leaving();
            session.clock_off = in.clock_off();
            session.unknown_fields = unknown_of(in);
            return session;
        });
}
template <>
std::expected<Trigger, std::string> decode<Trigger>(std::string_view bytes) {
    return parse<v1::Trigger, Trigger>(bytes, "trigger", [](const v1::Trigger& in) {
        Trigger trigger;
        trigger.id.uid = JobUid(in.uid());
        trigger.id.trigger.kind = static_cast<core::TriggerKind>(in.kind());
        trigger.id.trigger.at = required_time(in.at());
        trigger.id.trigger.nonce = in.nonce();
        trigger.id.index = static_cast<std::uint16_t>(in.index());
        trigger.job_name = in.job_name();
        trigger.payload = in.payload();
        trigger.requested_by = in.requested_by();
        return trigger;
    });
}

}  // namespace khronos::store
