#include "core/model/execution.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

namespace khronos::core {
namespace {

struct StateWord {
    ExecutionState state;
    std::string_view text;
};
constexpr std::array kStates{
    StateWord{ExecutionState::unknown, "unknown"},
    StateWord{ExecutionState::waiting, "waiting"},
    StateWord{ExecutionState::claimed, "running"},
    StateWord{ExecutionState::retry_wait, "retry_wait"},
    StateWord{ExecutionState::succeeded, "succeeded"},
    StateWord{ExecutionState::failed, "failed"},
    StateWord{ExecutionState::timed_out, "timed_out"},
    StateWord{ExecutionState::cancelled, "cancelled"},
    StateWord{ExecutionState::lost, "lost"},
    StateWord{ExecutionState::skipped, "skipped"},
    StateWord{ExecutionState::coalesced, "coalesced"},
};

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return value;
}

constexpr std::size_t kTimeDigits = 17;

}  // namespace

std::string to_text(const TriggerKey& key) {
    std::string text = fmt::format("{:017}{}", key.at.us, static_cast<char>(key.kind));
    if (key.kind != TriggerKind::tick) text += fmt::format("{:x}", key.nonce);
    return text;
}

std::string to_text(const ExecutionId& id) {
    return fmt::format("{}-{}-{}", to_hex(id.uid), to_text(id.trigger), id.index);
}

std::expected<ExecutionId, std::string> execution_id_from_text(std::string_view text) {
    const auto wrong = [&] {
        return std::unexpected(
            fmt::format("'{}' is not an execution id such as 018f3c2a5b6c7d8e-01763928000000000t-0",
                        text.substr(0, 64)));
    };
    const std::size_t first = text.find('-');
    const std::size_t second = first == text.npos ? first : text.find('-', first + 1);
    if (second == text.npos) return wrong();
    const std::string_view trigger = text.substr(first + 1, second - first - 1);
    const auto uid = uid_from_hex(text.substr(0, first));
    const auto index = number<std::uint16_t>(text.substr(second + 1), 10);
    if (!uid || !index || trigger.size() <= kTimeDigits) return wrong();
    const auto at = number<std::int64_t>(trigger.substr(0, kTimeDigits), 10);
    if (!at) return wrong();
    ExecutionId id{*uid, {static_cast<TriggerKind>(trigger[kTimeDigits]), WallTime{*at}, 0}, *index};
    const std::string_view nonce = trigger.substr(kTimeDigits + 1);
    switch (id.trigger.kind) {
        case TriggerKind::tick:
            if (!nonce.empty()) return wrong();
            break;
        case TriggerKind::manual:
        case TriggerKind::child:
        case TriggerKind::backfill:
        case TriggerKind::retry: {
            const auto value = number<std::uint64_t>(nonce, 16);
            if (!value) return wrong();
            id.trigger.nonce = *value;
            break;
        }
        default:
            return wrong();
    }
    if (to_text(id) != text) return wrong();  // one spelling only: no `+1`, no leading zero
    return id;
}

std::string_view to_text(ExecutionState state) {
    for (const StateWord& word : kStates)
        if (word.state == state) return word.text;
    return "unknown";
}

std::expected<ExecutionState, std::string> execution_state_from_text(std::string_view text) {
    for (const StateWord& word : kStates)
        if (word.text == text) return word.state;
    return std::unexpected(fmt::format("'{}' is not a state of an execution", text.substr(0, 32)));
}

bool is_open(ExecutionState state) {
    return state == ExecutionState::waiting || state == ExecutionState::claimed ||
           state == ExecutionState::retry_wait;
}

bool is_ended(ExecutionState state) {
    return state == ExecutionState::succeeded || state == ExecutionState::failed ||
           state == ExecutionState::timed_out || state == ExecutionState::cancelled ||
           state == ExecutionState::lost;
}

std::string_view to_text(Reason reason) {
    switch (reason) {
        case Reason::none: return "";
        case Reason::concurrency: return "concurrency";
        case Reason::misfire_skip: return "misfire_skip";
        case Reason::misfire_limit: return "misfire_limit";
        case Reason::disabled: return "disabled";
        case Reason::paused: return "paused";
        case Reason::misfire_once: return "misfire_once";
        case Reason::expired: return "expired";
        case Reason::queue_full: return "queue_full";
        case Reason::late: return "late";
        case Reason::caught_up: return "caught_up";
        case Reason::no_worker: return "no_worker";
        case Reason::no_executor: return "no_executor";
        case Reason::start_failed: return "start_failed";
        case Reason::deadline: return "deadline";
        case Reason::deleted: return "deleted";
        case Reason::user: return "user";
        case Reason::poison: return "poison";
        case Reason::worker_lost: return "worker_lost";
        case Reason::guard: return "guard";
        case Reason::replaced: return "replaced";
    }
    return "unknown";
}

}  // namespace khronos::core
