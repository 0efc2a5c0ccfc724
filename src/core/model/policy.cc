#include "core/model/policy.h"

#include <array>

namespace khronos::core {
namespace {

template <class Policy>
struct Word {
    Policy value;
    std::string_view text;
};

constexpr std::array kConcurrency{
    Word{Concurrency::allow, "allow"}, Word{Concurrency::forbid, "forbid"},
    Word{Concurrency::replace, "replace"}, Word{Concurrency::queue, "queue"}};
constexpr std::array kMisfire{Word{Misfire::once, "once"}, Word{Misfire::skip, "skip"},
                              Word{Misfire::all, "all"}};
constexpr std::array kOnFailure{Word{OnFailure::failover, "failover"},
                                Word{OnFailure::failtry, "failtry"},
                                Word{OnFailure::failfast, "failfast"}};
constexpr std::array kOnLost{Word{OnLost::retry, "retry"}, Word{OnLost::fail, "fail"},
                             Word{OnLost::wait, "wait"}};
constexpr std::array kBalance{
    Word{Balance::random, "random"}, Word{Balance::round_robin, "round_robin"},
    Word{Balance::workload, "workload"}, Word{Balance::broadcast, "broadcast"}};
constexpr std::array kDstGap{Word{DstGap::run, "run"}, Word{DstGap::skip, "skip"}};
constexpr std::array kDstOverlap{Word{DstOverlap::first, "first"},
                                 Word{DstOverlap::second, "second"},
                                 Word{DstOverlap::both, "both"}};

template <class Words, class Policy>
std::string_view text_of(const Words& words, Policy value) {
    for (const auto& word : words)
        if (word.value == value) return word.text;
    return {};
}

template <class Policy, class Words>
std::optional<Policy> value_of(const Words& words, std::string_view text) {
    for (const auto& word : words)
        if (word.text == text) return word.value;
    return std::nullopt;
}

}  // namespace

std::string_view to_text(Concurrency v) { return text_of(kConcurrency, v); }
std::string_view to_text(Misfire v) { return text_of(kMisfire, v); }
std::string_view to_text(OnFailure v) { return text_of(kOnFailure, v); }
std::string_view to_text(OnLost v) { return text_of(kOnLost, v); }
std::string_view to_text(Balance v) { return text_of(kBalance, v); }
std::string_view to_text(DstGap v) { return text_of(kDstGap, v); }
std::string_view to_text(DstOverlap v) { return text_of(kDstOverlap, v); }

template <>
std::optional<Concurrency> policy_from_text(std::string_view t) { return value_of<Concurrency>(kConcurrency, t); }
template <>
std::optional<Misfire> policy_from_text(std::string_view t) { return value_of<Misfire>(kMisfire, t); }
template <>
std::optional<OnFailure> policy_from_text(std::string_view t) { return value_of<OnFailure>(kOnFailure, t); }
template <>
std::optional<OnLost> policy_from_text(std::string_view t) { return value_of<OnLost>(kOnLost, t); }
template <>
std::optional<Balance> policy_from_text(std::string_view t) { return value_of<Balance>(kBalance, t); }
template <>
std::optional<DstGap> policy_from_text(std::string_view t) { return value_of<DstGap>(kDstGap, t); }
template <>
std::optional<DstOverlap> policy_from_text(std::string_view t) { return value_of<DstOverlap>(kDstOverlap, t); }

}  // namespace khronos::core
