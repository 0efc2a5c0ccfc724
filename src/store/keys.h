// The names of everything in the store, relative to the keyspace's prefix (which the backend
// adds). A `/` stands after every name, so that `a` never matches `ab`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "core/model/execution.h"

namespace khronos::store::keys {

inline constexpr std::string_view kMeta = "meta";
inline constexpr std::string_view kJobs = "jobs/";
inline constexpr std::string_view kShards = "shards/";
inline constexpr std::string_view kTriggers = "triggers/";
inline constexpr std::string_view kOpen = "open/";
inline constexpr std::string_view kStats = "stats/";
inline constexpr std::string_view kSlots = "slots/";
inline constexpr std::string_view kAgents = "agents/";
inline constexpr std::string_view kCancels = "cancels/";
inline constexpr std::string_view kAudit = "audit/";
inline constexpr std::string_view kTokens = "tokens/";
inline constexpr std::string_view kExecutions = "executions/";
inline constexpr std::string_view kHeartbeats = "heartbeats/";
// Present while new and changed jobs are not accepted; the value is who said so.
inline constexpr std::string_view kSubmissionsPaused = "settings/submissions-paused";

std::string job(std::string_view name);  // jobs/<name>
std::string version(JobUid uid, Generation generation);
std::string versions_of(JobUid uid);  // prefix
std::string stats(JobUid uid);

std::string shard_keys(ShardId shard);  // prefix of the three
std::string shard_owner(ShardId shard);
std::string shard_cursor(ShardId shard);
std::string shard_jobs(ShardId shard);

std::string execution(const core::ExecutionId& id);
std::string executions_of(JobUid uid);  // prefix
std::string open(ShardId shard, const core::ExecutionId& id);
std::string open_of(ShardId shard);  // prefix
std::string trigger(ShardId shard, const core::ExecutionId& id);
std::string triggers_of(ShardId shard);  // prefix
std::string cancel(ShardId shard, const core::ExecutionId& id);
std::string slot(JobUid uid, std::int32_t number);
std::string slots_of(JobUid uid);  // prefix
std::string agent(std::string_view id);  // agents/<id>
std::string idempotency(JobUid uid, std::string_view key);
std::string audit(WallTime at, std::uint64_t random);  // audit/<microseconds>-<random>
std::string token(std::string_view id);                // tokens/<id>
std::string created_by_key(std::string_view key);  // idempotency/jobs/<key>
std::string heartbeat(std::string_view worker);  // heartbeats/<worker id>

// What a key names; nullopt when it is not of that kind.
std::optional<std::string> job_name_of(std::string_view key);
enum class ShardPart : std::uint8_t { owner, cursor, jobs };
struct ShardKey {
    ShardId shard;
    ShardPart part;
};
std::optional<ShardKey> shard_key_of(std::string_view key);
// open/<nnn>/<id>, triggers/<nnn>/<id> and cancels/<nnn>/<id>
struct ShardItem {
    ShardId shard;
    core::ExecutionId id;
};
std::optional<ShardItem> open_of_key(std::string_view key);
std::optional<ShardItem> trigger_of_key(std::string_view key);
std::optional<ShardItem> cancel_of_key(std::string_view key);
struct SlotKey {
    JobUid uid;
    std::int32_t number;
};
std::optional<SlotKey> slot_of_key(std::string_view key);
std::optional<std::string> heartbeat_worker_of(std::string_view key);
std::optional<JobUid> stats_uid_of(std::string_view key);
std::optional<std::string> agent_of_key(std::string_view key);

}  // namespace khronos::store::keys
