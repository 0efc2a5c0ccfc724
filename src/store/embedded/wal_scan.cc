// The log's format: https://sqlite.org/fileformat2.html#walformat
#include "store/embedded/wal_scan.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "store/embedded/file.h"

namespace khronos::store::embedded {
namespace {

constexpr std::size_t kHeader = 32;
constexpr std::size_t kFrameHeader = 24;
constexpr std::uint32_t kMagic = 0x377f0682;  // the last bit: checksums of big-endian words

std::uint32_t big_endian(const unsigned char* bytes) {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
           std::uint32_t{bytes[2]} << 8 | bytes[3];
}
std::uint32_t little_endian(const unsigned char* bytes) {
    return std::uint32_t{bytes[3]} << 24 | std::uint32_t{bytes[2]} << 16 |
           std::uint32_t{bytes[1]} << 8 | bytes[0];
}

struct Sum {
    std::uint32_t a = 0, b = 0;
    bool operator==(const Sum&) const = default;
};

template <std::uint32_t (*word)(const unsigned char*)>
Sum extend(Sum sum, const unsigned char* bytes, std::size_t count) {
    for (std::size_t i = 0; i < count; i += 8) {
        sum.a += word(bytes + i) + sum.b;
        sum.b += word(bytes + i + 4) + sum.a;
    }
    return sum;
}

Sum stored_sum(const unsigned char* bytes) {
    return {big_endian(bytes), big_endian(bytes + 4)};
}

struct Header {
    bool big_endian_sums;
    std::size_t page_size;
    std::uint32_t salt[2];
    Sum sum;

    Sum extended(Sum from, const unsigned char* bytes, std::size_t count) const {
        return big_endian_sums ? extend<big_endian>(from, bytes, count)
                               : extend<little_endian>(from, bytes, count);
    }
};

std::optional<Header> parse_header(const unsigned char* bytes) {
    std::uint32_t magic = big_endian(bytes);
    if ((magic & ~1u) != kMagic) return std::nullopt;
    Header header{(magic & 1) != 0,
                  big_endian(bytes + 8),
                  {big_endian(bytes + 16), big_endian(bytes + 20)},
                  stored_sum(bytes + 24)};
    if (header.extended({}, bytes, 24) != header.sum) return std::nullopt;
    std::size_t size = header.page_size;
    if (size < 512 || size > 65536 || (size & (size - 1)) != 0) return std::nullopt;
    return header;
}

// Follows the frames one by one.
class Scan {
  public:
    Scan(const Header& header, std::uint32_t page_of_every_commit)
        : header_(header), mark_page_(page_of_every_commit), before_(header.sum) {}

    void frame(const unsigned char* bytes) {
        // Other salts: left over from an earlier use of the file, or damaged.
        bool current =
            big_endian(bytes + 8) == header_.salt[0] && big_endian(bytes + 12) == header_.salt[1];
        Sum stored = stored_sum(bytes + 16);
        bool good = current && sum_of(bytes) == stored;
        before_ = stored;
        if (current) report_.frames = index_ + 1;
        if (!good && !first_bad_) first_bad_ = index_;
        if (good) good_frame(big_endian(bytes), big_endian(bytes + 4) != 0);
        good_commit_before_ = good && big_endian(bytes + 4) != 0;
        ++index_;
    }

    // The index of the damaged frame, if the frames prove that a commit follows it.
    std::optional<std::uint64_t> damaged() const {
        if (!first_bad_ || (marks_since_commit_ < 2 && !commit_continued_)) return std::nullopt;
        return first_bad_;
    }
    WalReport report() const {
        WalReport report = report_;
        report.torn_tail = report.frames > report.committed;
        return report;
    }

  private:
    Sum sum_of(const unsigned char* frame) const {
        Sum sum = header_.extended(before_, frame, 8);
        return header_.extended(sum, frame + kFrameHeader, header_.page_size);
    }

    void good_frame(std::uint32_t page, bool commit) {
        if (!first_bad_) {
            if (page == mark_page_) ++marks_since_commit_;
            if (commit) {
                report_.committed = index_ + 1;
                marks_since_commit_ = 0;
            }
            return;
        }
        // Its checksum continues the frame before, so it was written after that one.
        if (page == mark_page_) ++marks_since_commit_;
        if (good_commit_before_) commit_continued_ = true;
    }

    Header header_;
    std::uint32_t mark_page_;
    Sum before_;
    std::uint64_t index_ = 0;
    WalReport report_;
    std::optional<std::uint64_t> first_bad_;
    int marks_since_commit_ = 0;
    bool good_commit_before_ = false;
    bool commit_continued_ = false;
};

Error damaged(const std::string& file, std::string what) {
    return {ErrorKind::internal, "",
            fmt::format("the store's log '{}' is damaged: {}, and committed changes follow it. "
                        "Restore the directory from a backup; to give up what the log holds, move "
                        "the log away",
                        file, what)};
}

}  // namespace

std::expected<WalReport, Error> scan_wal(const std::string& file,
                                         std::uint32_t page_of_every_commit) {
    FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) {
        if (errno == ENOENT) return WalReport{};
        return std::unexpected(system_error(fmt::format("cannot read '{}'", file), errno));
    }
    std::vector<unsigned char> buffer(kHeader);
    auto got = read_fully(fd.get(), buffer.data(), kHeader);
    if (!got) return std::unexpected(got.error());
    if (*got < kHeader) return WalReport{};
    auto header = parse_header(buffer.data());
    if (!header) {
        // The header is synced before the first frame is written.
        buffer.resize(kFrameHeader + 512);
        got = read_fully(fd.get(), buffer.data(), buffer.size());
        if (!got) return std::unexpected(got.error());
        if (*got < buffer.size()) return WalReport{};
        return std::unexpected(damaged(file, "its header cannot be read"));
    }
    Scan scan(*header, page_of_every_commit);
    buffer.resize(kFrameHeader + header->page_size);
    while (true) {
        got = read_fully(fd.get(), buffer.data(), buffer.size());
        if (!got) return std::unexpected(got.error());
        if (*got < buffer.size()) break;
        scan.frame(buffer.data());
    }
    if (auto index = scan.damaged())
        return std::unexpected(
            damaged(file, fmt::format("frame {} at byte {} has a wrong checksum", *index,
                                      kHeader + *index * (kFrameHeader + header->page_size))));
    return scan.report();
}

}  // namespace khronos::store::embedded
