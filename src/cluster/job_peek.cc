#include "cluster/job_peek.h"

#include <cstdint>

namespace khronos::cluster {
namespace {

// The field numbers of proto/khronos/store/v1/records.proto.
constexpr std::uint32_t kJobUid = 1, kJobSpec = 3;
constexpr std::uint32_t kName = 1, kDisplayName = 2, kSchedule = 5, kDisabled = 8, kMetadata = 11,
                        kParentJob = 12, kTags = 10, kApplication = 17;
constexpr std::uint32_t kMapKey = 1, kMapValue = 2;

// Walks the fields of one message of the protocol buffers' wire format.
class WireReader {
  public:
    explicit WireReader(std::string_view message) : rest_(message) {}

    // False at the end and at malformed bytes; `failed()` tells them apart.
    bool next() {
        if (rest_.empty()) return false;
        std::uint64_t tag = 0;
        if (!take_varint(tag)) return fail();
        number = static_cast<std::uint32_t>(tag >> 3);
        switch (tag & 7) {
            case 0:
                return take_varint(integer) || fail();
            case 1:
                return take_fixed(8) || fail();
            case 2: {
                std::uint64_t size = 0;
                if (!take_varint(size) || size > rest_.size()) return fail();
                bytes = rest_.substr(0, size);
                rest_.remove_prefix(size);
                return true;
            }
            case 5:
                return take_fixed(4) || fail();
            default:
                return fail();
        }
    }
    bool failed() const { return failed_; }

    std::uint32_t number = 0;
    std::uint64_t integer = 0;  // of a varint or a fixed field
    std::string_view bytes;     // of a length-delimited field

  private:
    bool fail() {
        failed_ = true;
        return false;
    }
    bool take_varint(std::uint64_t& value) {
        value = 0;
        for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return true;
        }
        return false;
    }
    bool take_fixed(std::size_t size) {
        if (rest_.size() < size) return false;
        integer = 0;
        for (std::size_t i = 0; i < size; ++i)
            integer |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
        rest_.remove_prefix(size);
        return true;
    }

    std::string_view rest_;
    bool failed_ = false;
};

}  // namespace

std::string_view peek_job_name(std::string_view record) {
    WireReader job(record);
    while (job.next()) {
        if (job.number != kJobSpec) continue;
        WireReader spec(job.bytes);
        while (spec.next())
            if (spec.number == kName) return spec.bytes;
        return {};
    }
    return {};
}

// The codec writes fields in the order of their numbers, and those of a newer build, which this
// one carries along unread, behind them.
std::optional<JobPeek> peek_job(std::string_view record) {
    JobPeek peek;
    WireReader job(record);
    while (job.next()) {
        if (job.number == kJobUid) peek.uid = JobUid(job.integer);
        if (job.number == kJobSpec) peek.spec = job.bytes;
        if (job.number >= kJobSpec) break;
    }
    WireReader spec(peek.spec);
    while (spec.next() && spec.number <= kParentJob) {
        switch (spec.number) {
            case kName:
                peek.name = spec.bytes;
                break;
            case kDisplayName:
                peek.display_name = spec.bytes;
                break;
            case kSchedule:
                peek.schedule = spec.bytes;
                break;
            case kDisabled:
                peek.disabled = spec.integer != 0;
                break;
            case kParentJob:
                peek.parent_job = spec.bytes;
                break;
            default:
                break;
        }
    }
    if (job.failed() || spec.failed() || peek.name.empty()) return std::nullopt;
    return peek;
}

bool is_job_record(std::string_view record) {
    std::string_view document;
    WireReader job(record);
    while (job.next())
        if (job.number == kJobSpec) document = job.bytes;
    WireReader spec(document);
    while (spec.next()) {
    }
    return !job.failed() && !spec.failed() && peek_job(record).has_value();
}

namespace {

bool map_has(const JobPeek& job, std::uint32_t field, std::string_view key,
             std::string_view value) {
    WireReader spec(job.spec);
    while (spec.next()) {
        if (spec.number > field) return false;
        if (spec.number != field) continue;
        std::string_view entry_key;
        std::string_view entry_value;
        WireReader entry(spec.bytes);
        while (entry.next()) {
            if (entry.number == kMapKey) entry_key = entry.bytes;
            if (entry.number == kMapValue) entry_value = entry.bytes;
        }
        if (entry_key == key) return entry_value == value;
    }
    return false;
}

}  // namespace

bool metadata_has(const JobPeek& job, std::string_view key, std::string_view value) {
    return map_has(job, kMetadata, key, value);
}

bool tags_have(const JobPeek& job, std::string_view key, std::string_view value) {
    return map_has(job, kTags, key, value);
}

std::string_view application_of(const JobPeek& job) {
    WireReader spec(job.spec);
    while (spec.next() && spec.number <= kApplication)
        if (spec.number == kApplication) return spec.bytes;
    return {};
}

}  // namespace khronos::cluster
