#include "worker/linux/file_journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "runner/run_journal.h"

namespace khronos::worker {
namespace {

constexpr char kBoot = 'B';
constexpr char kNote = 'N';
constexpr std::uint32_t kMaxFrame = 1u << 20;

// length of kind and body (u32), checksum of them (u32), kind, body
std::string frame(char kind, std::string_view body) {
    std::string content(1, kind);
    content += body;
    const auto length = static_cast<std::uint32_t>(content.size());
    const std::uint32_t crc = runner::crc32(content);
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 4);
    std::memcpy(bytes.data() + 4, &crc, 4);
    return bytes + content;
}

// A worker that cannot write down what it promises must not promise it: it stops at once, its
// processes live on, and the next worker finds them.
[[noreturn]] void give_up(const std::string& path, const char* what) {
    std::fprintf(stderr, "khronos: %s of %s failed: %s; stopping\n", what, path.c_str(),
                 std::strerror(errno));
    std::abort();
}

void write_all(int fd, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) give_up(path, "a write");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void sync_directory_of(const std::string& path) {
    const std::filesystem::path parent = std::filesystem::path(path).parent_path();
    const int fd =
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

}  // namespace

FileJournal::FileJournal(FileJournalConfig config, runtime::Loop& loop)
    : config_(std::move(config)), loop_(loop) {}

FileJournal::~FileJournal() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wanted_.notify_all();
    if (thread_.joinable()) thread_.join();
    if (fd_ >= 0) ::close(fd_);
}

std::expected<AttemptJournal::Past, Error> FileJournal::load() {
    const auto failed = [&](const char* what) {
        return std::unexpected(
            Error{ErrorKind::internal, "data-dir",
                  fmt::format("cannot {} {}: {}", what, config_.path, std::strerror(errno))});
    };
    fd_ = ::open(config_.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd_ < 0) return failed("open");
    std::string content;
    char buffer[65536];
    for (;;) {
        const ssize_t n = ::read(fd_, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed("read");
        if (n == 0) break;
        content.append(buffer, static_cast<std::size_t>(n));
    }
    core::attempt::AttemptNotes notes;
    std::string boot;
    std::size_t at = 0;
    while (content.size() - at >= 8) {
        std::uint32_t length = 0;
        std::uint32_t crc = 0;
        std::memcpy(&length, content.data() + at, 4);
        std::memcpy(&crc, content.data() + at + 4, 4);
        if (length == 0 || length > kMaxFrame || content.size() - at - 8 < length) break;
        const std::string_view body = std::string_view(content).substr(at + 8, length);
        if (runner::crc32(body) != crc) break;
        if (body[0] == kBoot) boot = body.substr(1);
        if (body[0] == kNote) {
            if (const auto note = core::attempt::decode_attempt_note(body.substr(1)))
                notes.add(*note);
        }
        at += 8 + length;
    }
    // A torn tail was never promised to anybody.
    if (::ftruncate(fd_, static_cast<off_t>(at)) != 0) return failed("shorten");
    if (::lseek(fd_, 0, SEEK_END) < 0) return failed("seek in");
    size_ = at;
    Past past;
    past.notes = notes.all();
    past.same_boot = boot == config_.machine_boot || notes.all().empty();
    boot_noted_ = boot == config_.machine_boot;
    if (at == 0) sync_directory_of(config_.path);
    thread_ = std::thread([this] { sync_until_stopped(); });
    return past;
}

void FileJournal::write(std::string_view bytes) {
    write_all(fd_, bytes, config_.path);
    size_ += bytes.size();
}

void FileJournal::append(const core::attempt::AttemptNote& note) {
    write(frame(kNote, encode(note)));
}

void FileJournal::sync(std::move_only_function<void()> done) {
    if (!boot_noted_) {
        // Only now: by then the worker has written down what became of the old boot's attempts.
        write(frame(kBoot, config_.machine_boot));
        boot_noted_ = true;
    }
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(done));
    }
    wanted_.notify_one();
}

void FileJournal::sync_until_stopped() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wanted_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        std::vector<std::move_only_function<void()>> done = std::exchange(waiting_, {});
        const int fd = ::dup(fd_);
        lock.unlock();
        if (fd < 0 || ::fdatasync(fd) != 0) give_up(config_.path, "a sync");
        ::close(fd);
        loop_.post([done = std::move(done)]() mutable {
            for (auto& each : done)
                each();
        });
        lock.lock();
    }
}

bool FileJournal::is_long() const {
    return size_ > config_.long_bytes && size_ > 3 * size_after_rewrite_;
}

void FileJournal::rewrite(const std::vector<core::attempt::AttemptNote>& notes) {
    std::string content = frame(kBoot, config_.machine_boot);
    for (const core::attempt::AttemptNote& note : notes)
        content += frame(kNote, encode(note));
    const std::string next = config_.path + ".new";
    const int fd = ::open(next.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) give_up(next, "making");
    write_all(fd, content, next);
    if (::fdatasync(fd) != 0) give_up(next, "a sync");
    if (::rename(next.c_str(), config_.path.c_str()) != 0) give_up(next, "renaming");
    sync_directory_of(config_.path);
    const std::lock_guard lock(mutex_);
    ::close(fd_);
    fd_ = fd;
    size_ = content.size();
    size_after_rewrite_ = size_;
    boot_noted_ = true;
}

}  // namespace khronos::worker
