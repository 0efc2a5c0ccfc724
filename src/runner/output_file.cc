#include "runner/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/limits.h"

namespace khronos::runner {
namespace {

constexpr std::uint64_t kHead = limits::kOutputHead;
constexpr std::uint64_t kRing = limits::kOutputTail;
constexpr std::uint64_t kInMemory = limits::kOutputTailInRecord;
constexpr off_t kHeadAt = 8;
constexpr off_t kRingAt = kHeadAt + static_cast<off_t>(kHead);

void write_at(int fd, std::string_view bytes, off_t at) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        bytes.remove_prefix(static_cast<std::size_t>(n));
        at += n;
    }
}

std::string read_at(int fd, std::uint64_t size, off_t at) {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const ssize_t n =
            ::pread(fd, bytes.data() + have, size - have, at + static_cast<off_t>(have));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        have += static_cast<std::size_t>(n);
    }
    bytes.resize(have);
    return bytes;
}

// The bytes of the ring from output offset `from` to `to`.
std::string read_ring(int fd, std::uint64_t from, std::uint64_t to) {
    std::string bytes;
    while (from < to) {
        const std::uint64_t place = (from - kHead) % kRing;
        const std::uint64_t piece = std::min(to - from, kRing - place);
        std::string part = read_at(fd, piece, kRingAt + static_cast<off_t>(place));
        part.resize(piece);
        bytes += part;
        from += piece;
    }
    return bytes;
}

// Head and tail of a file whose total is known.
void read_kept(int fd, KeptOutput& out) {
    out.head = read_at(fd, std::min(out.total, kHead), kHeadAt);
    out.tail.clear();
    if (out.total > kHead)
        out.tail =
            read_ring(fd, std::max(kHead, out.total > kRing ? out.total - kRing : 0), out.total);
}

}  // namespace

OutputKeeper::~OutputKeeper() {
    close();
}

void OutputKeeper::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void OutputKeeper::append(std::string_view bytes) {
    if (fd_ < 0 && !failed_) {
        if (small_.size() + bytes.size() <= kInMemory) {
            small_ += bytes;
            total_ += bytes.size();
            return;
        }
        fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        failed_ = fd_ < 0;
        if (!failed_) {
            total_ = 0;
            to_file(small_);
        }
    }
    if (failed_) {
        total_ += bytes.size();
        small_ += bytes;
        if (small_.size() > kInMemory) small_.erase(0, small_.size() - kInMemory);
        return;
    }
    to_file(bytes);
}

void OutputKeeper::to_file(std::string_view bytes) {
    // A byte that could not be written (a full disk) reads as zero; the count stays true.
    if (total_ < kHead) {
        const std::string_view head = bytes.substr(0, kHead - total_);
        write_at(fd_, head, kHeadAt + static_cast<off_t>(total_));
        total_ += head.size();
        bytes.remove_prefix(head.size());
    }
    if (bytes.size() > kRing) {
        total_ += bytes.size() - kRing;
        bytes.remove_prefix(bytes.size() - kRing);
    }
    while (!bytes.empty()) {
        const std::uint64_t place = (total_ - kHead) % kRing;
        const std::string_view piece = bytes.substr(0, kRing - place);
        write_at(fd_, piece, kRingAt + static_cast<off_t>(place));
        total_ += piece.size();
        bytes.remove_prefix(piece.size());
    }
    char raw[sizeof total_];
    std::memcpy(raw, &total_, sizeof total_);
    write_at(fd_, std::string_view(raw, sizeof raw), 0);
}

std::string OutputKeeper::tail(std::size_t limit) const {
    if (fd_ < 0) {
        const std::size_t size = std::min(limit, small_.size());
        return small_.substr(small_.size() - size);
    }
    std::string bytes;
    const std::uint64_t want = std::min<std::uint64_t>({limit, total_, kRing});
    std::uint64_t from = total_ - want;
    if (from < kHead) {
        bytes = read_at(fd_, std::min(kHead, total_) - from, kHeadAt + static_cast<off_t>(from));
        from = std::min(kHead, total_);
    }
    return bytes + read_ring(fd_, from, total_);
}

KeptOutput OutputKeeper::kept() const {
    KeptOutput out;
    out.total = total_;
    if (fd_ < 0)
        out.head = small_;
    else
        read_kept(fd_, out);
    return out;
}

bool read_output_file(const std::string& path, KeptOutput& out) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    const std::string raw = read_at(fd, sizeof out.total, 0);
    const bool ok = raw.size() == sizeof out.total;
    if (ok) {
        std::memcpy(&out.total, raw.data(), sizeof out.total);
        read_kept(fd, out);
    }
    ::close(fd);
    return ok;
}

}  // namespace khronos::runner
