#include "store/keys.h"

#include <fmt/format.h>

#include <charconv>

namespace khronos::store::keys {
namespace {

std::string shard_part(ShardId shard, std::string_view part) {
    return fmt::format("shards/{:03}/{}", shard.value, part);
}

// Three digits and a slash; moves `rest` past them.
std::optional<ShardId> take_shard(std::string_view& rest) {
    std::uint16_t value = 0;
    if (rest.size() < 4 || rest[3] != '/') return std::nullopt;
    for (int i = 0; i < 3; ++i) {
        if (rest[static_cast<std::size_t>(i)] < '0' || rest[static_cast<std::size_t>(i)] > '9')
            return std::nullopt;
        value = static_cast<std::uint16_t>(value * 10 + (rest[static_cast<std::size_t>(i)] - '0'));
    }
    if (value >= kShardCount) return std::nullopt;
    rest.remove_prefix(4);
    return ShardId(value);
}

std::optional<ShardItem> item_of(std::string_view key, std::string_view prefix) {
    if (!key.starts_with(prefix)) return std::nullopt;
    key.remove_prefix(prefix.size());
    const auto shard = take_shard(key);
    if (!shard) return std::nullopt;
    const auto id = core::execution_id_from_text(key);
    if (!id) return std::nullopt;
    return ShardItem{*shard, *id};
}

}  // namespace

std::string job(std::string_view name) { return fmt::format("jobs/{}", name); }
std::string version(JobUid uid, Generation generation) {
    return fmt::format("versions/{}/{:010}", to_hex(uid), generation.value);
}
std::string versions_of(JobUid uid) { return fmt::format("versions/{}/", to_hex(uid)); }
std::string stats(JobUid uid) { return fmt::format("stats/{}", to_hex(uid)); }

std::string shard_keys(ShardId shard) { return shard_part(shard, ""); }
std::string shard_owner(ShardId shard) { return shard_part(shard, "owner"); }
std::string shard_cursor(ShardId shard) { return shard_part(shard, "cursor"); }
std::string shard_jobs(ShardId shard) { return shard_part(shard, "jobs"); }

std::string execution(const core::ExecutionId& id) {
    return fmt::format("executions/{}/{}/{}", to_hex(id.uid), core::to_text(id.trigger), id.index);
}
std::string executions_of(JobUid uid) { return fmt::format("executions/{}/", to_hex(uid)); }
std::string open(ShardId shard, const core::ExecutionId& id) {
    return fmt::format("open/{:03}/{}", shard.value, core::to_text(id));
}
std::string open_of(ShardId shard) { return fmt::format("open/{:03}/", shard.value); }
std::string trigger(ShardId shard, const core::ExecutionId& id) {
    return fmt::format("triggers/{:03}/{}", shard.value, core::to_text(id));
}
std::string triggers_of(ShardId shard) { return fmt::format("triggers/{:03}/", shard.value); }
std::string cancel(ShardId shard, const core::ExecutionId& id) {
    return fmt::format("cancels/{:03}/{}", shard.value, core::to_text(id));
}
std::string slot(JobUid uid, std::int32_t number) {
    return fmt::format("slots/{}/{}", to_hex(uid), number);
}
std::string slots_of(JobUid uid) { return fmt::format("slots/{}/", to_hex(uid)); }
std::string agent(std::string_view id) { return fmt::format("agents/{}", id); }
std::string idempotency(JobUid uid, std::string_view key) {
    return fmt::format("idempotency/{}/{}", to_hex(uid), key);
}

std::string audit(WallTime at, std::uint64_t random) {
    return fmt::format("audit/{:017}-{:016x}", at.us, random);
}
std::string token(std::string_view id) { return fmt::format("tokens/{}", id); }
std::string created_by_key(std::string_view key) { return fmt::format("idempotency/jobs/{}", key); }
std::string heartbeat(std::string_view worker) { return fmt::format("heartbeats/{}", worker); }

std::optional<std::string> heartbeat_worker_of(std::string_view key) {
    if (!key.starts_with(kHeartbeats)) return std::nullopt;
    return std::string(key.substr(kHeartbeats.size()));
}

std::optional<std::string> job_name_of(std::string_view key) {
    if (!key.starts_with(kJobs)) return std::nullopt;
    return std::string(key.substr(kJobs.size()));
}

std::optional<std::string> agent_of_key(std::string_view key) {
    if (!key.starts_with(kAgents)) return std::nullopt;
    return std::string(key.substr(kAgents.size()));
}

std::optional<ShardKey> shard_key_of(std::string_view key) {
    if (!key.starts_with(kShards)) return std::nullopt;
    key.remove_prefix(kShards.size());
    const auto shard = take_shard(key);
    if (!shard) return std::nullopt;
    if (key == "owner") return ShardKey{*shard, ShardPart::owner};
    if (key == "cursor") return ShardKey{*shard, ShardPart::cursor};
    if (key == "jobs") return ShardKey{*shard, ShardPart::jobs};
    return std::nullopt;
}

std::optional<ShardItem> open_of_key(std::string_view key) { return item_of(key, kOpen); }
std::optional<ShardItem> trigger_of_key(std::string_view key) { return item_of(key, kTriggers); }
std::optional<ShardItem> cancel_of_key(std::string_view key) { return item_of(key, kCancels); }

std::optional<SlotKey> slot_of_key(std::string_view key) {
    if (!key.starts_with(kSlots)) return std::nullopt;
    key.remove_prefix(kSlots.size());
    const std::size_t slash = key.find('/');
    if (slash == key.npos) return std::nullopt;
    const auto uid = uid_from_hex(key.substr(0, slash));
    const std::string_view digits = key.substr(slash + 1);
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (!uid || error != std::errc{} || end != digits.data() + digits.size() || number < 0)
        return std::nullopt;
    return SlotKey{*uid, number};
}

std::optional<JobUid> stats_uid_of(std::string_view key) {
    if (!key.starts_with(kStats)) return std::nullopt;
    const auto uid = uid_from_hex(key.substr(kStats.size()));
    if (!uid) return std::nullopt;
    return *uid;
}

}  // namespace khronos::store::keys
