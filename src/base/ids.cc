#include "base/ids.h"

#include <fmt/format.h>

namespace khronos {

std::uint64_t stable_hash(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : text) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3ULL;
    }
    return hash;
}

ShardId shard_of(std::string_view job_name) {
    // FNV's low bits are its weakest; fold the whole hash.
    std::uint64_t hash = stable_hash(job_name);
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdULL;
    hash ^= hash >> 33;
    return ShardId(static_cast<std::uint16_t>(hash % kShardCount));
}

std::string to_hex(JobUid uid) { return fmt::format("{:016x}", uid.value); }

std::expected<JobUid, std::string> uid_from_hex(std::string_view text) {
    if (text.size() != 16) return std::unexpected("a job uid has 16 hexadecimal digits");
    std::uint64_t value = 0;
    for (const char c : text) {
        int digit = -1;
        if (c >= '0' && c <= '9') digit = c - '0';
        if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
        if (digit < 0) return std::unexpected("a job uid has 16 hexadecimal digits");
        value = value << 4 | static_cast<std::uint64_t>(digit);
    }
    return JobUid(value);
}

}  // namespace khronos
