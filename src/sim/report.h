// What the checkers found, and what they must know of the agents to judge.
#pragma once

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world.h"

namespace khronos::sim {

struct Violation {
    std::string invariant;  // `I1`; `unknown` where a checker cannot tell
    std::string text;
    MonoTime at;
};

class Report {
  public:
    explicit Report(const World& world) : world_(world) {}
    template <class... Args>
    void violated(std::string_view invariant, fmt::format_string<Args...> text, Args&&... args) {
        if (violations_.size() < kKept)
            violations_.push_back({std::string(invariant),
                                   fmt::format(text, std::forward<Args>(args)...), world_.now()});
    }
    const std::vector<Violation>& violations() const { return violations_; }

  private:
    static constexpr std::size_t kKept = 20;
    const World& world_;
    std::vector<Violation> violations_;
};

// Who lived when, by which clock.
struct Fleet {
    struct Agent {
        const WallClock* clock = nullptr;
        std::vector<MonoTime> born;
    };
    std::map<std::string, Agent, std::less<>> agents;
};

}  // namespace khronos::sim
