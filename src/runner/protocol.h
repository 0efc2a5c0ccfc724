// What a worker and its runner say to each other over the Unix socket `<dir>/socket`, and the
// form of the runner's own journal. A frame is: length of the rest (u32), type (u8), fields.
// Numbers are little-endian; a text or list has its length (u32) before it.
//
//   worker                        runner
//     hello ----------------------->
//     <------------------- welcome, one `run` for each run it knows, list_end
//     start ----------------------->
//     <---------------- started | refused (certainly not running, never will be)
//     <------------------------ ended    whole tree dead; kept until forgotten
//     forget ---------------------->
//     kill, guard, read_output ---->
//     <----------------------- output
//
// Both ends are of one build or neighbouring ones; another version is refused by number.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace khronos::runner {

inline constexpr std::uint32_t kProtocolVersion = 1;
inline constexpr std::size_t kMaxFrameBytes = 8u << 20;
inline constexpr std::size_t kMaxKeyBytes = 120;

enum class FrameType : std::uint8_t {
    // to the runner
    hello = 1,
    start = 2,
    kill = 3,
    guard = 4,
    forget = 5,
    read_output = 6,
    // from the runner
    welcome = 64,
    run = 65,
    list_end = 66,
    started = 67,
    refused = 68,
    ended = 69,
    output = 70,
    // only in the runner's journal
    began = 128,
    spawned = 129,
};

// Why a run was killed, as far as the runner was told or found out itself.
enum class KillReason : std::uint8_t {
    none = 0,
    timeout = 1,
    cancel = 2,
    guard = 3,  // its deadline passed without an extension
    memory = 4,
    supervisor_lost = 5,  // somebody killed the run's supervisor
    runner_lost = 6,      // the runner died; the run was killed, its exit status is unknown
};

class Writer {
  public:
    explicit Writer(FrameType type) {
        bytes_.resize(4);
        u8(static_cast<std::uint8_t>(type));
    }
    void u8(std::uint8_t v) { bytes_.push_back(static_cast<char>(v)); }
    void u32(std::uint32_t v) { number(v); }
    void i64(std::int64_t v) { number(v); }
    void u64(std::uint64_t v) { number(v); }
    void text(std::string_view v) {
        u32(static_cast<std::uint32_t>(v.size()));
        bytes_.append(v);
    }
    void texts(const std::vector<std::string>& list) {
        u32(static_cast<std::uint32_t>(list.size()));
        for (const std::string& v : list)
            text(v);
    }
    // The whole frame; the writer is empty afterwards.
    std::string finish() {
        const auto length = static_cast<std::uint32_t>(bytes_.size() - 4);
        std::memcpy(bytes_.data(), &length, 4);
        return std::move(bytes_);
    }

  private:
    template <class Number>
    void number(Number v) {
        char raw[sizeof v];
        std::memcpy(raw, &v, sizeof v);
        bytes_.append(raw, sizeof v);
    }
    std::string bytes_;
};

// Reads a frame's fields; past the end it yields zeros and `ok()` is false.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    std::uint8_t u8() { return number<std::uint8_t>(); }
    std::uint32_t u32() { return number<std::uint32_t>(); }
    std::int64_t i64() { return number<std::int64_t>(); }
    std::uint64_t u64() { return number<std::uint64_t>(); }
    std::string text() {
        const std::uint32_t size = u32();
        if (size > rest_.size()) {
            fail();
            return {};
        }
        std::string v(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return v;
    }
    std::vector<std::string> texts() {
        std::vector<std::string> list;
        const std::uint32_t count = u32();
        for (std::uint32_t i = 0; i < count && ok_; ++i)
            list.push_back(text());
        return list;
    }
    bool ok() const { return ok_; }

  private:
    template <class Number>
    Number number() {
        Number v{};
        if (rest_.size() < sizeof v) {
            fail();
            return v;
        }
        std::memcpy(&v, rest_.data(), sizeof v);
        rest_.remove_prefix(sizeof v);
        return v;
    }
    void fail() {
        ok_ = false;
        rest_ = {};
    }
    std::string_view rest_;
    bool ok_ = true;
};

// Everything about a run that has to be decided outside: the runner looks nothing up.
struct StartRun {
    std::string key;   // see valid_key()
    std::string mark;  // lines `NAME=value` of env; all of them together only this run has
    std::vector<std::string> programs;  // paths to try, in order
    std::vector<std::string> argv;
    std::vector<std::string> env;  // `NAME=value`; the whole environment
    std::string cwd;               // empty: /
    bool switch_user = false;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> groups;
    std::int64_t timeout_us = 0;     // 0: none
    std::int64_t grace_us = 0;       // from SIGTERM to SIGKILL
    std::int64_t guard_us = 0;       // F: a guard frame moves the deadline to base + F; 0: no guard
    std::int64_t deadline_us = 0;    // CLOCK_BOOTTIME; 0: none
    std::uint64_t memory_bytes = 0;  // 0: no limit
    bool linger = false;
    bool has_stdin = false;
    std::string stdin_bytes;
};

// The end of a run. `status` is waitpid's of the command itself.
struct RunEnd {
    std::string key;
    std::int32_t status = 0;
    std::int32_t exec_errno = 0;  // not 0: the command could not be executed (exit 126 or 127)
    KillReason killed = KillReason::none;
    bool forced = false;          // SIGTERM was not enough
    std::int64_t started_us = 0;  // real time
    std::int64_t finished_us = 0;
    std::uint64_t output_bytes = 0;
    bool output_in_file = false;  // <dir>/output/<key>, see output_file.h; else `tail` is all
    std::string tail;             // at most limits::kOutputTailInRecord
};

enum class RunPhase : std::uint8_t { running = 1, ended = 2 };

inline bool valid_key(std::string_view key) {
    if (key.empty() || key.size() > kMaxKeyBytes || key[0] == '.') return false;
    for (const char c : key) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                           (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
        if (!plain) return false;
    }
    return true;
}

inline std::string encode(const StartRun& r) {
    Writer w(FrameType::start);
    w.text(r.key);
    w.text(r.mark);
    w.texts(r.programs);
    w.texts(r.argv);
    w.texts(r.env);
    w.text(r.cwd);
    w.u8(r.switch_user);
    w.u32(r.uid);
    w.u32(r.gid);
    w.u32(static_cast<std::uint32_t>(r.groups.size()));
    for (const std::uint32_t g : r.groups)
        w.u32(g);
    w.i64(r.timeout_us);
    w.i64(r.grace_us);
    w.i64(r.guard_us);
    w.i64(r.deadline_us);
    w.u64(r.memory_bytes);
    w.u8(r.linger);
    w.u8(r.has_stdin);
    w.text(r.stdin_bytes);
    return w.finish();
}

inline StartRun decode_start(Reader& r) {
    StartRun v;
    v.key = r.text();
    v.mark = r.text();
    v.programs = r.texts();
    v.argv = r.texts();
    v.env = r.texts();
    v.cwd = r.text();
    v.switch_user = r.u8() != 0;
    v.uid = r.u32();
    v.gid = r.u32();
    const std::uint32_t groups = r.u32();
    for (std::uint32_t i = 0; i < groups && r.ok(); ++i)
        v.groups.push_back(r.u32());
    v.timeout_us = r.i64();
    v.grace_us = r.i64();
    v.guard_us = r.i64();
    v.deadline_us = r.i64();
    v.memory_bytes = r.u64();
    v.linger = r.u8() != 0;
    v.has_stdin = r.u8() != 0;
    v.stdin_bytes = r.text();
    return v;
}

inline void write_end(Writer& w, const RunEnd& e) {
    w.text(e.key);
    w.u32(static_cast<std::uint32_t>(e.status));
    w.u32(static_cast<std::uint32_t>(e.exec_errno));
    w.u8(static_cast<std::uint8_t>(e.killed));
    w.u8(e.forced);
    w.i64(e.started_us);
    w.i64(e.finished_us);
    w.u64(e.output_bytes);
    w.u8(e.output_in_file);
    w.text(e.tail);
}

inline RunEnd read_end(Reader& r) {
    RunEnd e;
    e.key = r.text();
    e.status = static_cast<std::int32_t>(r.u32());
    e.exec_errno = static_cast<std::int32_t>(r.u32());
    e.killed = static_cast<KillReason>(r.u8());
    e.forced = r.u8() != 0;
    e.started_us = r.i64();
    e.finished_us = r.i64();
    e.output_bytes = r.u64();
    e.output_in_file = r.u8() != 0;
    e.tail = r.text();
    return e;
}

// Cuts complete frames off a stream of bytes.
class FrameCutter {
  public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    // False: no complete frame. `body` is valid until the next call; wrong() after a bad length.
    bool next(FrameType& type, std::string_view& body) {
        if (buffer_.size() - at_ < 5) return compact();
        std::uint32_t length = 0;
        std::memcpy(&length, buffer_.data() + at_, 4);
        if (length == 0 || length > kMaxFrameBytes) {
            wrong_ = true;
            return false;
        }
        if (buffer_.size() - at_ - 4 < length) return compact();
        type = static_cast<FrameType>(static_cast<std::uint8_t>(buffer_[at_ + 4]));
        body = std::string_view(buffer_).substr(at_ + 5, length - 1);
        at_ += 4 + length;
        return true;
    }
    bool wrong() const { return wrong_; }

  private:
    bool compact() {
        buffer_.erase(0, at_);
        at_ = 0;
        return false;
    }
    std::string buffer_;
    std::size_t at_ = 0;
    bool wrong_ = false;
};

}  // namespace khronos::runner
