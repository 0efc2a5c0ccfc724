// Records as bytes: protocol buffers of proto/khronos/store/v1/records.proto. decode() fails
// only on bytes that are no such record; it keeps fields that this build does not know.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/model/agent.h"
#include "core/model/execution.h"
#include "core/model/job.h"
#include "core/model/shard.h"

namespace khronos::store {

inline constexpr std::uint32_t kFormatVersion = 1;

// The record at `meta`.
struct Meta {
    std::string cluster_id;
    std::uint32_t format_version = kFormatVersion;
    std::uint64_t token_base = 0;
    // A migration into this store began and did not end: nobody may work on it. `cluster_id` is
    // empty then, which is enough for a build that does not know this field.
    bool incomplete = false;
    std::string unknown_fields;
    bool operator==(const Meta&) const = default;
};

// A version that is over, at versions/<uid>/<generation>.
struct JobVersion {
    core::Job job;
    WallTime ended_at;  // unset: still in force
    bool deleted = false;
    bool operator==(const JobVersion&) const = default;
};

// A worker's last heartbeat that an agent has made durable, at heartbeats/<worker id>.
struct WorkerHeartbeat {
    std::string boot_id;
    std::uint64_t sequence = 0;  // of that boot
    std::string agent;           // that wrote it
    WallTime at;                 // by that agent's clock; for people
    bool operator==(const WorkerHeartbeat&) const = default;
};

std::string encode(const Meta& record);
std::string encode(const core::Job& record);
std::string encode(const JobVersion& record);
std::string encode(const core::JobStats& record);
std::string encode(const core::Execution& record);
std::string encode(const core::Cursor& record);
std::string encode(const core::Owner& record);
std::string encode(const core::AgentSession& record);
std::string encode(const core::Trigger& record);
std::string encode(const WorkerHeartbeat& record);

// decode<core::Job>(bytes); the error is a sentence for the log.
template <class Record>
std::expected<Record, std::string> decode(std::string_view bytes);

}  // namespace khronos::store
