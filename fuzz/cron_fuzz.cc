// Any text as a schedule: it is refused with a place inside the text, or it has ticks that agree
// forwards and backwards. Work is bounded: one call may not outlast a second.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/cron/lint.h"
#include "core/cron/schedule.h"

namespace {

using namespace khronos;
using cron::Schedule;

void require(bool condition) {
    if (!condition) std::abort();
}

// The first bytes choose zone, policy and the time; the rest is the text.
struct Input {
    cron::ParseOptions options;
    WallTime from;
    std::string_view text;
};

Input split(const std::uint8_t* data, std::size_t size) {
    constexpr const char* kZones[] = {"",
                                      "Europe/Paris",
                                      "America/New_York",
                                      "Australia/Lord_Howe",
                                      "Pacific/Apia",
                                      "Africa/Casablanca",
                                      "Europe/Dublin",
                                      "Antarctica/Troll"};
    const auto byte = [&](std::size_t i) { return i < size ? data[i] : std::uint8_t{0}; };
    Input input;
    input.options.timezone = kZones[byte(0) % 8];
    input.options.name_seed = byte(1);
    input.options.dst.gap = static_cast<cron::GapRule>(byte(2) % 3);
    input.options.dst.overlap = static_cast<cron::OverlapRule>(byte(3) % 4);
    std::int64_t seconds = 0;
    for (std::size_t i = 4; i < 9; ++i)
        seconds = seconds * 256 + byte(i);
    input.from = WallTime::from_seconds(seconds - 62135596800);
    if (size > 9) input.text = {reinterpret_cast<const char*>(data) + 9, size - 9};
    return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto start = std::chrono::steady_clock::now();
    const Input input = split(data, size);
    const auto schedule = Schedule::parse(input.text, input.options);
    if (!schedule) {
        require(schedule.error().offset + schedule.error().length <= input.text.size());
        require(!schedule.error().message.empty());
    } else {
        require(!cron::describe(*schedule).empty());
        cron::lint(*schedule, input.from);
        const WallTime anchor = input.from;
        WallTime before = input.from;
        for (int i = 0; i < 8; ++i) {
            const auto tick = schedule->next(before, anchor);
            if (!tick) break;
            require(*tick > before && schedule->matches(*tick, anchor));
            const auto back = schedule->prev(*tick, anchor);
            require(!back || *back <= before);
            require(schedule->prev(*tick + Duration(1), anchor) == tick);
            before = *tick;
        }
    }
    require(std::chrono::steady_clock::now() - start < std::chrono::seconds(1));
    return 0;
}
