// khronos-sim: many seeds of the simulation, or one with its story.
#include <fmt/format.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include <unistd.h>

#include "sim/storm.h"

namespace {

using khronos::sim::Storm;
using khronos::sim::StormResult;

struct Arguments {
    std::uint64_t seeds = 100;
    std::uint64_t first_seed = 1;
    std::optional<std::uint64_t> seed;
    double hours = 0;  // of each storm; 0: by the seed
};

constexpr const char* kUsage =
    "usage: khronos-sim [--seeds N] [--first-seed K] [--hours H]\n"
    "       khronos-sim --seed X [--hours H]      one seed, a line for each change of state\n";

std::optional<Arguments> parse(int argc, char** argv) {
    Arguments arguments;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (i + 1 == argc) return std::nullopt;
        const char* text = argv[++i];
        char* end = nullptr;
        const std::uint64_t value = std::strtoull(text, &end, 10);
        const bool whole = end != text && *end == '\0';
        if (word == "--seeds" && whole) {
            arguments.seeds = value;
        } else if (word == "--first-seed" && whole) {
            arguments.first_seed = value;
        } else if (word == "--seed" && whole) {
            arguments.seed = value;
        } else if (word == "--hours") {
            arguments.hours = std::strtod(text, &end);
            if (end == text || *end != '\0') return std::nullopt;
        } else {
            return std::nullopt;
        }
    }
    return arguments;
}

// A crash or a loop inside one event has no violation to report: the seed has to be known all the
// same.
volatile std::uint64_t present_seed = 0;

void on_signal(int signal) {
    char text[96];
    std::size_t at = 0;
    const char* what = signal == SIGALRM ? "one event does not end" : "crashed";
    for (const char* c = "seed "; *c; ++c) text[at++] = *c;
    char digits[24];
    std::size_t count = 0;
    for (std::uint64_t value = present_seed; count == 0 || value != 0; value /= 10)
        digits[count++] = static_cast<char>('0' + value % 10);
    while (count > 0) text[at++] = digits[--count];
    for (const char* c = ": "; *c; ++c) text[at++] = *c;
    for (const char* c = what; *c; ++c) text[at++] = *c;
    text[at++] = '\n';
    if (::write(STDERR_FILENO, text, at) < 0) std::_Exit(2);
    std::signal(signal, SIG_DFL);
    std::raise(signal == SIGALRM ? SIGABRT : signal);
}

double hours(khronos::Duration time) { return static_cast<double>(time.count()) / 3.6e9; }

StormResult run(std::uint64_t seed, double length, bool tell) {
    present_seed = seed;
    alarm(300);
    khronos::sim::StormOptions options;
    options.seed = seed;
    options.length = khronos::Duration(static_cast<std::int64_t>(length * 3.6e9));
    if (tell) options.story = [](const std::string& line) { fmt::print("{}\n", line); };
    return Storm(std::move(options)).run();
}

void print(const StormResult& result) {
    fmt::print("seed {} ({})\n", result.seed, result.story);
    for (const auto& violation : result.violations)
        fmt::print("  {} {}: {}\n", violation.invariant,
                   khronos::to_rfc3339(khronos::WallTime{violation.at.us}), violation.text);
}

}  // namespace

int main(int argc, char** argv) {
    const auto arguments = parse(argc, argv);
    if (!arguments) {
        std::fputs(kUsage, stderr);
        return 2;
    }
    for (const int signal : {SIGABRT, SIGSEGV, SIGALRM}) std::signal(signal, on_signal);
    khronos::Duration simulated{0};
    std::uint64_t seeds = 0;
    std::uint64_t violations = 0;
    std::uint64_t decisions = 0;
    std::uint64_t runs = 0;
    if (arguments->seed) {
        const StormResult result = run(*arguments->seed, arguments->hours, true);
        print(result);
        fmt::print("{} events, {} decisions, {} runs, {} operations, hash {:016x}\n", result.events,
                   result.decisions, result.runs, result.operations, result.hash);
        seeds = 1;
        simulated = result.simulated;
        violations = result.violations.size();
    } else {
        for (std::uint64_t i = 0; i < arguments->seeds; ++i) {
            const StormResult result = run(arguments->first_seed + i, arguments->hours, false);
            ++seeds;
            simulated += result.simulated;
            decisions += result.decisions;
            runs += result.runs;
            if (result.violations.empty()) continue;
            violations += result.violations.size();
            print(result);
            fmt::print("  the whole story: khronos-sim --seed {}\n", result.seed);
            std::fflush(stdout);
        }
        fmt::print("{} decisions, {} runs\n", decisions, runs);
    }
    fmt::print("{} seeds, {:.1f} simulated hours, {} violations\n", seeds, hours(simulated),
               violations);
    return violations == 0 ? 0 : 1;
}
