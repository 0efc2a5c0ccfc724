#include "api/output_follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <charconv>
#include <optional>

#include "api/event_text.h"
#include "api/execution_json.h"
#include "api/execution_read.h"
#include "api/json_text.h"
#include "base/limits.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
using core::Execution;

constexpr std::uint64_t kPiece = 32 * 1024;
// The worker does not tell of each line; what is new is asked for.
constexpr Duration kLookEvery = std::chrono::milliseconds(200);

struct Place {
    std::uint32_t attempt = 0;
    std::uint64_t offset = 0;
};

std::optional<Place> place_of(std::string_view text) {
    Place place;
    const char* const end = text.data() + text.size();
    const auto [colon, error] = std::from_chars(text.data(), end, place.attempt);
    if (error != std::errc{} || colon == end || *colon != ':') return std::nullopt;
    const auto [rest, wrong] = std::from_chars(colon + 1, end, place.offset);
    if (wrong != std::errc{} || rest != end || place.attempt == 0) return std::nullopt;
    return place;
}

class Follower : public std::enable_shared_from_this<Follower> {
  public:
    Follower(Context& context, Execution execution, Place place,
             std::function<bool()> still_allowed)
        : services_(context.services),
          followers_(context.followers),
          key_(store::keys::execution(execution.id)),
          execution_(std::move(execution)),
          place_(place),
          still_allowed_(std::move(still_allowed)) {
        ++*followers_;
    }
    ~Follower() { --*followers_; }

    void begin(Stream stream) {
        stream_ = std::move(stream);
        stream_.on_closed([self = shared_from_this()] { self->close(); });
        look_up();
        look();
    }

  private:
    // ---- the record

    void look_up() {
        services_.store.get(key_, [self = shared_from_this()](auto result) {
            if (self->closed_) return;
            if (!result) return self->look_up_later();
            if (result->kv) self->learn(result->kv->value.view());
            self->watch(result->revision);
        });
    }
    void look_up_later() {
        services_.loop.call_after(std::chrono::seconds(1), [self = shared_from_this()] {
            if (!self->closed_) self->look_up();
        });
    }
    void watch(Revision after) {
        watch_ = services_.store.watch(
            key_, key_ + '\0', after, [self = shared_from_this()](store::WatchUpdate update) {
                if (self->closed_) return;
                if (std::holds_alternative<store::WatchLost>(update)) {
                    self->watch_.reset();
                    return self->look_up_later();
                }
                for (const auto& change : std::get<store::WatchBatch>(update).events)
                    if (!change.deleted) self->learn(change.kv.value.view());
            });
    }
    void learn(std::string_view record) {
        auto execution = store::decode<Execution>(record);
        if (!execution) return;
        execution_ = std::move(*execution);
        look();
    }
    bool attempt_is_over() const {
        return core::is_ended(execution_.state) || execution_.attempt.value > place_.attempt;
    }

    // ---- the output

    // Asks for what comes next, unless that is under way already.
    void look() {
        if (closed_) return;
        if (still_allowed_ && !still_allowed_()) return close();
        if (std::exchange(looking_, true)) return;
        if (timer_) services_.loop.cancel(*std::exchange(timer_, std::nullopt));
        const bool over = attempt_is_over();
        Execution asked = execution_;
        asked.attempt = AttemptNo(place_.attempt);
        if (over) asked.state = core::ExecutionState::failed;
        const OutputRange range{place_.offset, kPiece, false, true};
        auto take = [self = shared_from_this(), over](auto part) {
            self->looking_ = false;
            if (!self->closed_) self->take(part ? *part : self->from_record(), over);
        };
        if (services_.read_output) return services_.read_output(asked, range, std::move(take));
        services_.loop.post([take = std::move(take)]() mutable {
            take(std::expected<OutputPart, Error>(std::unexpected(Error{})));
        });
    }
    // Where the worker does not have it.
    OutputPart from_record() const {
        if (execution_.attempt.value != place_.attempt) return {{}, place_.offset, 0, true};
        return part_of_tail(execution_, {place_.offset, kPiece, false, true});
    }

    void take(const OutputPart& part, bool over) {
        std::string_view bytes = part.bytes;
        const bool last = part.offset + bytes.size() >= part.size;
        if (!over || !last) bytes = bytes.substr(0, whole_characters(bytes));
        if (part.offset > place_.offset && !bytes.empty() && !tell_gap(part.offset)) return;
        if (!bytes.empty() && !tell_output(bytes)) return;
        if (!last && !bytes.empty()) return look();
        if (over && attempt_is_over()) return go_on();
        if (!closed_ && !timer_)
            timer_ = services_.loop.call_after(kLookEvery, [self = shared_from_this()] {
                self->timer_.reset();
                self->look();
            });
    }

    // The attempt is over and told: the next one, or the end.
    void go_on() {
        if (execution_.attempt.value == place_.attempt) {
            if (tell("end", to_json(execution_))) close();
            return;
        }
        const Place before = std::exchange(place_, Place{place_.attempt + 1, 0});
        if (tell("attempt", json::object{{"attempt", place_.attempt}})) return look();
        place_ = before;
    }
    bool tell_gap(std::uint64_t to) {
        const Place before = std::exchange(place_, Place{place_.attempt, to});
        if (tell("gap", json::object{{"attempt", before.attempt},
                                     {"offset", before.offset},
                                     {"bytes", to - before.offset}}))
            return true;
        place_ = before;
        return false;
    }
    bool tell_output(std::string_view bytes) {
        const Place before = place_;
        place_.offset += bytes.size();
        if (tell("output", json::object{{"attempt", before.attempt},
                                        {"offset", before.offset},
                                        {"bytes", bytes.size()},
                                        {"text", valid_utf8(bytes)}}))
            return true;
        place_ = before;
        return false;
    }

    // False: not told. It is read and told again when the client has read, or it is gone.
    bool tell(std::string_view name, const json::value& data) {
        switch (stream_.write(fmt::format("{}id: {}:{}\n\n", event_frame(name, data),
                                          place_.attempt, place_.offset))) {
            case Exchange::Write::accepted:
                return true;
            case Exchange::Write::full:
                stream_.on_drained([self = shared_from_this()] { self->look(); });
                return false;
            case Exchange::Write::closed:
                close();
                return false;
        }
        return false;
    }

    void close() {
        if (std::exchange(closed_, true)) return;
        const auto self = shared_from_this();
        if (watch_) services_.store.unwatch(*watch_);
        if (timer_) services_.loop.cancel(*timer_);
        stream_.end();
    }

    Services& services_;
    const std::shared_ptr<std::size_t> followers_;
    const std::string key_;
    Execution execution_;
    Place place_;  // what is told next
    std::function<bool()> still_allowed_;
    Stream stream_;
    std::optional<store::WatchId> watch_;
    std::optional<runtime::TimerId> timer_;
    bool looking_ = false;
    bool closed_ = false;
};

}  // namespace

std::size_t whole_characters(std::string_view bytes) {
    for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
        const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
        if ((byte & 0xc0) == 0x80) continue;  // the middle of one
        const std::size_t needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return needs > back ? bytes.size() - back : bytes.size();
    }
    return bytes.size();
}

OutputPart part_of_tail(const Execution& execution, OutputRange range) {
    const std::string_view tail = execution.output_tail;
    // Where the tail begins, in what the offsets count.
    const std::uint64_t base =
        range.as_written
            ? execution.output_bytes - std::min<std::uint64_t>(execution.output_bytes, tail.size())
            : 0;
    OutputPart part;
    part.size = base + tail.size();
    part.complete = core::is_ended(execution.state);
    const std::uint64_t at =
        range.from_end ? tail.size() - std::min<std::uint64_t>(range.length, tail.size())
                       : std::min<std::uint64_t>(std::max(range.offset, base) - base, tail.size());
    part.offset = base + at;
    part.bytes = tail.substr(at, range.length);
    return part;
}

void follow_output(Context& context, const Call& call, std::shared_ptr<Reply> reply) {
    std::optional<Place> place;
    if (const auto last = call.request.headers.find("Last-Event-ID"); last && !last->empty()) {
        place = place_of(*last);
        if (!place) return reply->problem(invalid("Last-Event-ID", "is none that an event had"));
    }
    with_execution(
        context.services, reply, call.path["execution"],
        [&context, reply, place, still = call.still_allowed](Execution execution) {
            if (*context.followers >= limits::kOutputFollowers)
                return reply->problem(
                    {ErrorKind::busy, "", "too many outputs are followed already"});
            const Place from = place.value_or(Place{execution.attempt.value, 0});
            if (from.attempt > execution.attempt.value)
                return reply->problem(invalid("Last-Event-ID", "is of an attempt to come"));
            std::make_shared<Follower>(context, std::move(execution), from, still)
                ->begin(reply->begin_stream(event_stream_head()));
        });
}

}  // namespace khronos::api
