#include "wire/message_codec.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/utf8.h"

namespace khronos::wire {
namespace {

using core::AnswerState;
using core::ExecutionState;
using core::HeldState;
using core::Reason;

// Ends of outputs in one hello, all together: the rest of the message is small.
constexpr std::size_t kTailsInHello = limits::kWireMessageBytes / 4;

std::string utf8(std::string_view text) {
    if (is_valid_utf8(text)) return std::string(text);
    std::string clean;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t size = utf8_at(text, at).size;
        clean += size == 0 ? "\xef\xbf\xbd" : text.substr(at, size);
        at += size == 0 ? 1 : size;
    }
    return clean;
}

// ---- out

void put(pb::AttemptId* out, const core::AttemptId& id) {
    out->set_execution(core::to_text(id.execution));
    out->set_attempt(id.attempt.value);
}

template <class Message, class Setter>
void put_time(Message* out, Setter set, WallTime at) {
    if (at.is_set()) (out->*set)(at.us);
}

template <class Map>
void put_map(Map* out, const auto& in) {
    for (const auto& [key, value] : in)
        (*out)[utf8(key)] = value;
}

pb::HeldState held_state(HeldState state) {
    switch (state) {
        case HeldState::accepted:
            return pb::HELD_STATE_ACCEPTED;
        case HeldState::running:
            return pb::HELD_STATE_RUNNING;
        case HeldState::ended:
            return pb::HELD_STATE_ENDED;
    }
    return pb::HELD_STATE_UNKNOWN;
}

pb::Outcome outcome(ExecutionState state) {
    switch (state) {
        case ExecutionState::succeeded:
            return pb::OUTCOME_SUCCEEDED;
        case ExecutionState::failed:
            return pb::OUTCOME_FAILED;
        case ExecutionState::timed_out:
            return pb::OUTCOME_TIMED_OUT;
        case ExecutionState::cancelled:
            return pb::OUTCOME_CANCELLED;
        case ExecutionState::lost:
            return pb::OUTCOME_LOST;
        case ExecutionState::unknown:
        case ExecutionState::waiting:
        case ExecutionState::claimed:
        case ExecutionState::retry_wait:
        case ExecutionState::skipped:
        case ExecutionState::coalesced:
            break;
    }
    return pb::OUTCOME_UNKNOWN;
}

void put(pb::Result* out, const core::RunResult& r) {
    out->set_outcome(outcome(r.outcome));
    out->set_reason(static_cast<std::uint32_t>(r.reason));
    out->set_exit_code(r.exit_code);
    out->set_signal(r.signal);
    put_time(out, &pb::Result::set_started_at, r.started_at);
    put_time(out, &pb::Result::set_finished_at, r.finished_at);
    out->set_message(utf8(r.message));
    out->set_output_tail(r.output_tail);
    out->set_output_bytes(r.output_bytes);
}

void put(pb::FromWorker* out, const core::Hello& m) {
    pb::Hello* hello = out->mutable_hello();
    hello->set_worker(m.worker);
    hello->set_boot_id(m.boot_id);
    hello->set_node(utf8(m.node));
    for (const std::string& application : m.applications)
        hello->add_applications(utf8(application));
    for (const auto& [key, value] : m.tags)
        (*hello->mutable_tags())[utf8(key)] = utf8(value);
    hello->set_slots(m.slots);
    put_map(hello->mutable_type_quotas(), m.type_quotas);
    for (const std::string& handler : m.handlers)
        hello->add_handlers(utf8(handler));
    std::size_t tails = 0;
    for (const core::HeldAttempt& held : m.held) {
        pb::HeldAttempt* one = hello->add_held();
        put(one->mutable_id(), held.id);
        one->set_token(held.token.value);
        one->set_shard(held.shard.value);
        one->set_state(held_state(held.state));
        if (held.state != HeldState::ended) continue;
        put(one->mutable_result(), held.result);
        tails += held.result.output_tail.size();
        if (tails > kTailsInHello) one->mutable_result()->clear_output_tail();
    }
}
void put(pb::FromWorker* out, const core::Accepted& m) {
    put(out->mutable_accepted()->mutable_id(), m.id);
    out->mutable_accepted()->set_shard(m.shard.value);
}
void put(pb::FromWorker* out, const core::Refused& m) {
    pb::Refused* refused = out->mutable_refused();
    put(refused->mutable_id(), m.id);
    refused->set_reason(static_cast<std::uint32_t>(m.reason));
    refused->set_message(utf8(m.message));
    refused->set_retry_elsewhere(m.retry_elsewhere);
    refused->set_shard(m.shard.value);
}
void put(pb::FromWorker* out, const core::Started& m) {
    pb::Started* started = out->mutable_started();
    put(started->mutable_id(), m.id);
    started->set_token(m.token.value);
    put_time(started, &pb::Started::set_at, m.at);
}
void put(pb::FromWorker* out, const core::Finished& m) {
    pb::Finished* finished = out->mutable_finished();
    put(finished->mutable_id(), m.id);
    finished->set_token(m.token.value);
    put(finished->mutable_result(), m.result);
    finished->set_shard(m.shard.value);
}
void put(pb::FromWorker* out, const core::Heartbeat& m) {
    pb::Heartbeat* beat = out->mutable_heartbeat();
    beat->set_sequence(m.sequence);
    beat->set_sent_at(m.sent_at.us);
    for (const core::AttemptId& id : m.running)
        put(beat->add_running(), id);
}

pb::AnswerState answer_state(AnswerState state) {
    switch (state) {
        case AnswerState::accepted:
            return pb::ANSWER_STATE_ACCEPTED;
        case AnswerState::running:
            return pb::ANSWER_STATE_RUNNING;
        case AnswerState::ended:
            return pb::ANSWER_STATE_ENDED;
        case AnswerState::never:
            return pb::ANSWER_STATE_NEVER;
    }
    return pb::ANSWER_STATE_UNKNOWN;
}

void put(pb::FromWorker* out, const core::Answer& m) {
    pb::Answer* answer = out->mutable_answer();
    put(answer->mutable_id(), m.id);
    answer->set_token(m.token.value);
    answer->set_state(answer_state(m.state));
    if (m.state == AnswerState::ended) put(answer->mutable_result(), m.result);
    answer->set_shard(m.shard.value);
}
void put(pb::FromWorker* out, const core::Load& m) {
    out->mutable_load()->set_used(m.used);
    put_map(out->mutable_load()->mutable_used_by_type(), m.used_by_type);
    out->mutable_load()->set_draining(m.draining);
}

void put(pb::ToWorker* out, const core::Welcome& m) {
    out->mutable_welcome()->set_agent(utf8(m.agent));
    for (const std::string& address : m.agents)
        out->mutable_welcome()->add_agents(utf8(address));
}
void put(pb::ToWorker* out, const core::Rejected& m) {
    out->mutable_rejected()->set_message(utf8(m.message));
}
void put(pb::ToWorker* out, const core::Offer& m) {
    const core::RunSpec& in = m.spec;
    pb::RunSpec* spec = out->mutable_offer()->mutable_spec();
    put(spec->mutable_id(), in.id);
    spec->set_job_name(in.job_name);
    put_time(spec, &pb::RunSpec::set_scheduled_at, in.scheduled_at);
    spec->set_application(in.application);
    spec->set_executor(in.executor);
    put_map(spec->mutable_executor_config(), in.executor_config);
    spec->set_payload(in.payload);
    spec->set_run_as(in.run_as);
    spec->set_timeout(in.timeout.count());
    spec->set_kill_grace(in.kill_grace.count());
    spec->set_guard(in.guard.count());
    spec->set_linger(in.linger);
    spec->set_shard(in.shard.value);
    spec->set_type(in.type);
}
void put(pb::ToWorker* out, const core::Start& m) {
    put(out->mutable_start()->mutable_id(), m.id);
    out->mutable_start()->set_token(m.token.value);
}
void put(pb::ToWorker* out, const core::Cancel& m) {
    put(out->mutable_cancel()->mutable_id(), m.id);
    out->mutable_cancel()->set_reason(static_cast<std::uint32_t>(m.reason));
    out->mutable_cancel()->set_token(m.token.value);
}
void put(pb::ToWorker* out, const core::Acknowledge& m) {
    put(out->mutable_acknowledge()->mutable_id(), m.id);
}
void put(pb::ToWorker* out, const core::HeartbeatAck& m) {
    out->mutable_heartbeat_ack()->set_sequence(m.sequence);
}

void put(pb::ToWorker* out, const core::Ask& m) {
    pb::Ask* ask = out->mutable_ask();
    for (const core::Claimed& claimed : m.attempts) {
        pb::Ask::Claimed* one = ask->add_attempts();
        put(one->mutable_id(), claimed.id);
        one->set_token(claimed.token.value);
    }
    for (const ShardId shard : m.shards)
        ask->add_shards(shard.value);
}

// ---- in. Whatever is malformed is thrown as a sentence and caught by from_proto().

struct Malformed {
    std::string what;
};

core::AttemptId take(const pb::AttemptId& in) {
    auto execution = core::execution_id_from_text(in.execution());
    if (!execution) throw Malformed{execution.error()};
    if (in.attempt() == 0) throw Malformed{"an attempt's number begins with 1"};
    return {*execution, AttemptNo(in.attempt())};
}

ShardId take_shard(std::uint32_t number) {
    if (number >= kShardCount) throw Malformed{fmt::format("there is no shard {}", number)};
    return ShardId(static_cast<std::uint16_t>(number));
}

template <class Message>
WallTime take_time(const Message& in, bool (Message::*has)() const,
                   std::int64_t (Message::*get)() const) {
    return (in.*has)() ? WallTime{(in.*get)()} : WallTime{};
}

Duration take_duration(std::int64_t us) {
    if (us < 0) throw Malformed{fmt::format("{} us is no duration", us)};
    return Duration(us);
}

Reason reason(std::uint32_t number) {
    if (number > 255) return Reason::none;
    const auto known = static_cast<Reason>(number);
    return core::to_text(known) == "unknown" ? Reason::none : known;
}

core::RunResult take(pb::Result& in) {
    core::RunResult r;
    switch (in.outcome()) {
        case pb::OUTCOME_SUCCEEDED:
            r.outcome = ExecutionState::succeeded;
            break;
        case pb::OUTCOME_TIMED_OUT:
            r.outcome = ExecutionState::timed_out;
            break;
        case pb::OUTCOME_CANCELLED:
            r.outcome = ExecutionState::cancelled;
            break;
        case pb::OUTCOME_LOST:
            r.outcome = ExecutionState::lost;
            break;
        case pb::OUTCOME_FAILED:
        default:
            r.outcome = ExecutionState::failed;
            break;
    }
    r.reason = reason(in.reason());
    r.exit_code = in.exit_code();
    r.signal = in.signal();
    r.started_at = take_time(in, &pb::Result::has_started_at, &pb::Result::started_at);
    r.finished_at = take_time(in, &pb::Result::has_finished_at, &pb::Result::finished_at);
    r.message = std::move(*in.mutable_message());
    if (r.message.size() > limits::kOutputTailInRecord) {
        std::size_t cut = limits::kOutputTailInRecord;
        while (cut > 0 && (static_cast<unsigned char>(r.message[cut]) & 0xc0) == 0x80)
            --cut;
        r.message.resize(cut);
    }
    r.output_tail = std::move(*in.mutable_output_tail());
    if (r.output_tail.size() > limits::kOutputTailInRecord)
        r.output_tail.erase(0, r.output_tail.size() - limits::kOutputTailInRecord);
    r.output_bytes = in.output_bytes();
    return r;
}

core::Hello take(pb::Hello& in) {
    core::Hello m;
    if (in.worker().empty() || in.boot_id().empty())
        throw Malformed{"a hello names the worker and its boot id"};
    if (in.worker().size() > limits::kIdBytes || in.boot_id().size() > limits::kIdBytes)
        throw Malformed{fmt::format("an id is longer than {} bytes", limits::kIdBytes)};
    m.worker = in.worker();
    m.boot_id = in.boot_id();
    m.node = in.node();
    m.applications.assign(in.applications().begin(), in.applications().end());
    for (const auto& [key, value] : in.tags())
        m.tags.emplace(key, value);
    m.slots = in.slots();
    for (const auto& [type, quota] : in.type_quotas())
        m.type_quotas.emplace(type, quota);
    m.handlers.assign(in.handlers().begin(), in.handlers().end());
    for (pb::HeldAttempt& one : *in.mutable_held()) {
        core::HeldAttempt held;
        held.id = take(one.id());
        held.token = FenceToken(one.token());
        held.shard = take_shard(one.shard());
        switch (one.state()) {
            case pb::HELD_STATE_ACCEPTED:
                held.state = HeldState::accepted;
                break;
            case pb::HELD_STATE_ENDED:
                held.state = HeldState::ended;
                break;
            case pb::HELD_STATE_RUNNING:
            default:
                held.state = HeldState::running;
                break;
        }
        if (held.state == HeldState::ended) held.result = take(*one.mutable_result());
        m.held.push_back(std::move(held));
    }
    return m;
}

core::FromWorker take_known(pb::FromWorker& in) {
    switch (in.message_case()) {
        case pb::FromWorker::kHello:
            return take(*in.mutable_hello());
        case pb::FromWorker::kAccepted:
            return core::Accepted{take(in.accepted().id()), take_shard(in.accepted().shard())};
        case pb::FromWorker::kRefused: {
            pb::Refused& m = *in.mutable_refused();
            return core::Refused{take(m.id()), reason(m.reason()), std::move(*m.mutable_message()),
                                 m.retry_elsewhere(), take_shard(m.shard())};
        }
        case pb::FromWorker::kStarted: {
            const pb::Started& m = in.started();
            return core::Started{take(m.id()), FenceToken(m.token()),
                                 take_time(m, &pb::Started::has_at, &pb::Started::at)};
        }
        case pb::FromWorker::kFinished: {
            pb::Finished& m = *in.mutable_finished();
            return core::Finished{take(m.id()), FenceToken(m.token()), take(*m.mutable_result()),
                                  take_shard(m.shard())};
        }
        case pb::FromWorker::kHeartbeat: {
            core::Heartbeat beat;
            beat.sequence = in.heartbeat().sequence();
            beat.sent_at = MonoTime{in.heartbeat().sent_at()};
            for (const pb::AttemptId& id : in.heartbeat().running())
                beat.running.push_back(take(id));
            return beat;
        }
        case pb::FromWorker::kAnswer: {
            pb::Answer& m = *in.mutable_answer();
            core::Answer answer{take(m.id()),
                                FenceToken(m.token()),
                                AnswerState::running,
                                {},
                                take_shard(m.shard())};
            switch (m.state()) {
                case pb::ANSWER_STATE_ACCEPTED:
                    answer.state = AnswerState::accepted;
                    break;
                case pb::ANSWER_STATE_ENDED:
                    answer.state = AnswerState::ended;
                    answer.result = take(*m.mutable_result());
                    break;
                case pb::ANSWER_STATE_NEVER:
                    answer.state = AnswerState::never;
                    break;
                case pb::ANSWER_STATE_RUNNING:
                default:
                    break;
            }
            return answer;
        }
        case pb::FromWorker::kLoad: {
            core::Load load;
            load.used = in.load().used();
            for (const auto& [type, used] : in.load().used_by_type())
                load.used_by_type.emplace(type, used);
            load.draining = in.load().draining();
            return load;
        }
        case pb::FromWorker::kOutput:
        case pb::FromWorker::MESSAGE_NOT_SET:
            break;
    }
    throw Malformed{"no message"};
}

core::Offer take(pb::RunSpec& in) {
    core::RunSpec spec;
    spec.id = take(in.id());
    spec.job_name = std::move(*in.mutable_job_name());
    spec.scheduled_at = take_time(in, &pb::RunSpec::has_scheduled_at, &pb::RunSpec::scheduled_at);
    spec.application = std::move(*in.mutable_application());
    spec.executor = std::move(*in.mutable_executor());
    for (const auto& [key, value] : in.executor_config())
        spec.executor_config.emplace(key, value);
    spec.payload = std::move(*in.mutable_payload());
    spec.run_as = std::move(*in.mutable_run_as());
    spec.timeout = take_duration(in.timeout());
    spec.kill_grace = take_duration(in.kill_grace());
    spec.guard = take_duration(in.guard());
    spec.linger = in.linger();
    spec.shard = take_shard(in.shard());
    spec.type = std::move(*in.mutable_type());
    return {std::move(spec)};
}

core::ToWorker take_known(pb::ToWorker& in) {
    switch (in.message_case()) {
        case pb::ToWorker::kWelcome:
            return core::Welcome{in.welcome().agent(),
                                 {in.welcome().agents().begin(), in.welcome().agents().end()}};
        case pb::ToWorker::kOffer:
            return take(*in.mutable_offer()->mutable_spec());
        case pb::ToWorker::kStart:
            return core::Start{take(in.start().id()), FenceToken(in.start().token())};
        case pb::ToWorker::kCancel:
            return core::Cancel{
                take(in.cancel().id()), reason(in.cancel().reason()),
                FenceToken(in.cancel().has_token() ? in.cancel().token() : UINT64_MAX)};
        case pb::ToWorker::kAcknowledge:
            return core::Acknowledge{take(in.acknowledge().id())};
        case pb::ToWorker::kHeartbeatAck:
            return core::HeartbeatAck{in.heartbeat_ack().sequence()};
        case pb::ToWorker::kAsk: {
            core::Ask ask;
            for (const pb::Ask::Claimed& one : in.ask().attempts())
                ask.attempts.push_back({take(one.id()), FenceToken(one.token())});
            for (const std::uint32_t shard : in.ask().shards())
                ask.shards.push_back(take_shard(shard));
            return ask;
        }
        case pb::ToWorker::kRejected:
            return core::Rejected{std::move(*in.mutable_rejected()->mutable_message())};
        case pb::ToWorker::kReadOutput:
        case pb::ToWorker::MESSAGE_NOT_SET:
            break;
    }
    throw Malformed{"no message"};
}

}  // namespace

pb::FromWorker to_proto(const core::FromWorker& message) {
    pb::FromWorker out;
    std::visit([&](const auto& m) { put(&out, m); }, message);
    return out;
}

pb::ToWorker to_proto(const core::ToWorker& message) {
    pb::ToWorker out;
    std::visit([&](const auto& m) { put(&out, m); }, message);
    return out;
}

pb::ReadOutput to_proto(std::uint64_t number, const OutputQuery& query) {
    pb::ReadOutput out;
    out.set_number(number);
    put(out.mutable_id(), query.id);
    out.set_offset(query.offset);
    out.set_length(query.length);
    out.set_from_end(query.from_end);
    out.set_as_written(query.as_written);
    return out;
}

pb::Output to_proto(std::uint64_t number, std::expected<OutputPart, Error> answer) {
    pb::Output out;
    out.set_number(number);
    if (answer) {
        out.set_bytes(std::move(answer->bytes));
        out.set_offset(answer->offset);
        out.set_size(answer->size);
    } else {
        out.set_error(answer.error().message.empty() ? "it cannot be read"
                                                     : utf8(answer.error().message));
        out.set_not_found(answer.error().kind == ErrorKind::not_found);
    }
    return out;
}

std::expected<std::optional<core::FromWorker>, std::string> from_proto(pb::FromWorker&& message) {
    if (message.message_case() == pb::FromWorker::MESSAGE_NOT_SET || message.has_output())
        return std::nullopt;
    try {
        return take_known(message);
    } catch (Malformed& malformed) {
        return std::unexpected(std::move(malformed.what));
    }
}

std::expected<std::optional<core::ToWorker>, std::string> from_proto(pb::ToWorker&& message) {
    if (message.message_case() == pb::ToWorker::MESSAGE_NOT_SET || message.has_read_output())
        return std::nullopt;
    try {
        return take_known(message);
    } catch (Malformed& malformed) {
        return std::unexpected(std::move(malformed.what));
    }
}

std::expected<OutputQuery, std::string> from_proto(const pb::ReadOutput& question) {
    try {
        return OutputQuery{take(question.id()), question.offset(), question.length(),
                           question.from_end(), question.as_written()};
    } catch (Malformed& malformed) {
        return std::unexpected(std::move(malformed.what));
    }
}

std::expected<OutputPart, Error> from_proto(pb::Output&& answer) {
    if (!answer.error().empty())
        return std::unexpected(
            Error{answer.not_found() ? ErrorKind::not_found : ErrorKind::unavailable, "",
                  answer.error()});
    return OutputPart{std::move(*answer.mutable_bytes()), answer.offset(), answer.size()};
}

}  // namespace khronos::wire
