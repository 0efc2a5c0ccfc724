#include "runner/run_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <unordered_map>

namespace khronos::runner {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t c = i;
        for (int bit = 0; bit < 8; ++bit)
            c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
        table[i] = c;
    }
    return table;
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string with_checksum(std::string frame) {
    const std::uint32_t crc = crc32(frame);
    char raw[sizeof crc];
    std::memcpy(raw, &crc, sizeof crc);
    return frame.append(raw, sizeof raw);
}

std::string encode_began(const std::string& key, const std::string& mark, std::int64_t at_us) {
    Writer w(FrameType::began);
    w.text(key);
    w.text(mark);
    w.i64(at_us);
    return with_checksum(w.finish());
}

std::string encode_spawned(const std::string& key, pid_t command, std::int64_t started_us) {
    Writer w(FrameType::spawned);
    w.text(key);
    w.u32(static_cast<std::uint32_t>(command));
    w.i64(started_us);
    return with_checksum(w.finish());
}

std::string encode_ended(const RunEnd& end) {
    Writer w(FrameType::ended);
    write_end(w, end);
    return with_checksum(w.finish());
}

// Applies one record; the order of first appearance is kept by the caller's list.
class Replay {
  public:
    void apply(FrameType type, std::string_view body) {
        Reader r(body);
        if (type == FrameType::began) {
            JournalRun run;
            run.key = r.text();
            run.mark = r.text();
            run.began_us = r.i64();
            if (r.ok()) runs_[run.key] = std::move(run);
        } else if (type == FrameType::spawned) {
            const auto at = runs_.find(r.text());
            if (at == runs_.end()) return;
            at->second.command = static_cast<pid_t>(r.u32());
            at->second.command_started_us = r.i64();
        } else if (type == FrameType::ended) {
            RunEnd end = read_end(r);
            if (!r.ok()) return;
            JournalRun& run = runs_[end.key];
            run.key = end.key;
            run.has_end = true;
            run.end = std::move(end);
        } else if (type == FrameType::forget) {
            runs_.erase(r.text());
        }
    }
    void take(std::vector<JournalRun>& out) {
        for (auto& [key, run] : runs_)
            out.push_back(std::move(run));
    }

  private:
    std::unordered_map<std::string, JournalRun> runs_;
};

// Length of the part of `content` that is whole and right.
std::size_t replay(std::string_view content, Replay& into) {
    std::size_t at = 0;
    for (;;) {
        const std::string_view rest = content.substr(at);
        std::uint32_t length = 0;
        if (rest.size() < sizeof length) return at;
        std::memcpy(&length, rest.data(), sizeof length);
        if (length == 0 || length > kMaxFrameBytes || rest.size() < 8 + std::size_t{length})
            return at;
        const std::string_view frame = rest.substr(0, 4 + length);
        std::uint32_t crc = 0;
        std::memcpy(&crc, rest.data() + frame.size(), sizeof crc);
        if (crc != crc32(frame)) return at;
        into.apply(static_cast<FrameType>(static_cast<std::uint8_t>(frame[4])), frame.substr(5));
        at += frame.size() + sizeof crc;
    }
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
    static constexpr auto kTable = crc_table();
    std::uint32_t c = 0xFFFFFFFFu;
    for (const char byte : bytes)
        c = kTable[(c ^ static_cast<std::uint8_t>(byte)) & 0xFF] ^ (c >> 8);
    return c ^ 0xFFFFFFFFu;
}

RunJournal::~RunJournal() {
    if (fd_ >= 0) ::close(fd_);
}

bool RunJournal::open(std::vector<JournalRun>& runs) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) return false;
    std::string content;
    char buffer[65536];
    for (;;) {
        const ssize_t n = ::read(fd_, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0) break;
        content.append(buffer, static_cast<std::size_t>(n));
    }
    Replay state;
    size_ = replay(content, state);
    state.take(runs);
    if (size_ < content.size() && ::ftruncate(fd_, static_cast<off_t>(size_)) != 0) return false;
    return ::lseek(fd_, 0, SEEK_END) >= 0;
}

bool RunJournal::rewrite(const std::vector<JournalRun>& runs) {
    std::string content;
    for (const JournalRun& run : runs) {
        content += encode_began(run.key, run.mark, run.began_us);
        if (run.command != 0)
            content += encode_spawned(run.key, run.command, run.command_started_us);
        if (run.has_end) content += encode_ended(run.end);
    }
    const std::string next = path_ + ".new";
    const int fd = ::open(next.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    if (!write_all(fd, content) || ::fdatasync(fd) != 0 ||
        ::rename(next.c_str(), path_.c_str()) != 0) {
        ::close(fd);
        ::unlink(next.c_str());
        return false;
    }
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
    size_ = content.size();
    pending_.clear();
    return true;
}

void RunJournal::add(std::string frame) {
    pending_ += frame;
}

void RunJournal::began(const std::string& key, const std::string& mark, std::int64_t at_us) {
    add(encode_began(key, mark, at_us));
}
void RunJournal::spawned(const std::string& key, pid_t command, std::int64_t started_us) {
    add(encode_spawned(key, command, started_us));
}
void RunJournal::ended(const RunEnd& end) {
    add(encode_ended(end));
}
void RunJournal::forgotten(const std::string& key) {
    Writer w(FrameType::forget);
    w.text(key);
    add(with_checksum(w.finish()));
}

bool RunJournal::flush() {
    if (pending_.empty()) return true;
    const bool ok = write_all(fd_, pending_);
    size_ += pending_.size();
    pending_.clear();
    return ok;
}

void RunJournal::sync() {
    ::fdatasync(fd_);
}

}  // namespace khronos::runner
