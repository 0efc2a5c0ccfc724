// The identities of the system. Each carries its incarnation where it can have more than one.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/strong.h"

namespace khronos {

// A job from its creation to its deletion. A job deleted and made again under the same name has
// another uid. Grows with creation time; 16 lower-case hex digits as text, so that the order of
// keys is the order of uids.
using JobUid = Strong<struct JobUidTag, std::uint64_t>;
// Counts the saved versions of one job uid, from 1.
using Generation = Strong<struct GenerationTag, std::uint32_t>;
// 0..255, by hash of the job's name.
using ShardId = Strong<struct ShardIdTag, std::uint16_t>;
// Counts the owners of one shard; part of the fence.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
// The store's modification counter; 0 means "no such key".
using Revision = Strong<struct RevisionTag, std::uint64_t>;
// Counts the tries of one execution, from 1.
using AttemptNo = Strong<struct AttemptNoTag, std::uint32_t>;
// Fencing token of an attempt; grows with each attempt of an execution.
using FenceToken = Strong<struct FenceTokenTag, std::uint64_t>;
using LeaseId = Strong<struct LeaseIdTag, std::uint64_t>;

inline constexpr std::uint16_t kShardCount = 256;

// The shard of a job name. Stable for ever: it decides where a job's records lie.
ShardId shard_of(std::string_view job_name);

// 64-bit FNV-1a; stable for ever.
std::uint64_t stable_hash(std::string_view text);

std::string to_hex(JobUid uid);                                // 16 digits
std::expected<JobUid, std::string> uid_from_hex(std::string_view text);

}  // namespace khronos
