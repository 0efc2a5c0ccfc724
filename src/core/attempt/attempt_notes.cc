#include "core/attempt/attempt_notes.h"

#include <cstring>

#include "core/attempt/attempt_key.h"

namespace khronos::core::attempt {
namespace {

// Little-endian numbers, texts with their length before them.
class Out {
  public:
    template <class Number>
    void number(Number v) {
        char raw[sizeof v];
        std::memcpy(raw, &v, sizeof v);
        bytes.append(raw, sizeof v);
    }
    void text(std::string_view v) {
        number(static_cast<std::uint32_t>(v.size()));
        bytes.append(v);
    }
    std::string bytes;
};

class In {
  public:
    explicit In(std::string_view bytes) : rest_(bytes) {}
    template <class Number>
    Number number() {
        Number v{};
        if (rest_.size() < sizeof v) {
            ok = false;
            rest_ = {};
            return v;
        }
        std::memcpy(&v, rest_.data(), sizeof v);
        rest_.remove_prefix(sizeof v);
        return v;
    }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (size > rest_.size()) {
            ok = false;
            rest_ = {};
            return {};
        }
        std::string v(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return v;
    }
    bool ok = true;

  private:
    std::string_view rest_;
};

}  // namespace

std::string encode(const AttemptNote& note) {
    Out out;
    out.number(static_cast<std::uint8_t>(note.step));
    out.text(attempt_key(note.id));
    out.number(note.token.value);
    out.number(static_cast<std::uint8_t>(note.in_process));
    if (note.step == AttemptStep::ended) {
        const RunResult& r = note.result;
        out.number(static_cast<std::uint8_t>(r.outcome));
        out.number(static_cast<std::uint8_t>(r.reason));
        out.number(r.exit_code);
        out.number(r.signal);
        out.number(r.started_at.us);
        out.number(r.finished_at.us);
        out.text(r.message);
        out.text(r.output_tail);
        out.number(r.output_bytes);
    }
    out.number(note.shard.value);
    out.text(note.type);
    return std::move(out.bytes);
}

std::optional<AttemptNote> decode_attempt_note(std::string_view bytes) {
    In in(bytes);
    AttemptNote note;
    const auto step = in.number<std::uint8_t>();
    const auto id = attempt_from_key(in.text());
    note.token = FenceToken{in.number<std::uint64_t>()};
    note.in_process = in.number<std::uint8_t>() != 0;
    if (!in.ok || !id || step < 1 || step > static_cast<std::uint8_t>(AttemptStep::forgotten))
        return std::nullopt;
    note.step = static_cast<AttemptStep>(step);
    note.id = *id;
    if (note.step == AttemptStep::ended) {
        RunResult& r = note.result;
        r.outcome = static_cast<ExecutionState>(in.number<std::uint8_t>());
        r.reason = static_cast<Reason>(in.number<std::uint8_t>());
        r.exit_code = in.number<std::int32_t>();
        r.signal = in.number<std::int32_t>();
        r.started_at.us = in.number<std::int64_t>();
        r.finished_at.us = in.number<std::int64_t>();
        r.message = in.text();
        r.output_tail = in.text();
        r.output_bytes = in.number<std::uint64_t>();
    }
    note.shard = ShardId{in.number<std::uint16_t>()};
    note.type = in.text();
    if (!in.ok) return std::nullopt;
    return note;
}

void AttemptNotes::add(const AttemptNote& note) {
    if (note.step == AttemptStep::forgotten) {
        all_.erase(note.id);
        return;
    }
    AttemptNote& known = all_[note.id];
    const FenceToken token = std::max(known.token, note.token);
    const bool in_process = known.in_process || note.in_process;
    known = note;
    // An attempt that was declared dead may be offered again: what was refused stays refused.
    known.token = token;
    known.in_process = note.step == AttemptStep::intended ? false : in_process;
}

}  // namespace khronos::core::attempt
