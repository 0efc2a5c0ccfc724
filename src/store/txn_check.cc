#include "store/txn_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "base/limits.h"

namespace khronos::store {
namespace {

std::size_t bytes_of(const Put& put) {
    return put.key.size() + put.value.size();
}
std::size_t bytes_of(const Erase& erase) {
    return erase.key.size();
}
std::size_t bytes_of(const EraseRange& range) {
    return range.begin.size() + range.end.size();
}

// The keys an operation writes. `end` is empty for a single key.
struct Span {
    std::string_view begin, end;
};
Span span_of(const Put& put) {
    return {put.key, {}};
}
Span span_of(const Erase& erase) {
    return {erase.key, {}};
}
Span span_of(const EraseRange& range) {
    return {range.begin, range.end};
}

Refused mistake(std::string why) {
    return {RefusedKind::too_large, std::move(why)};
}

std::optional<Refused> check_overlap(const Txn& txn) {
    std::vector<Span> spans;
    spans.reserve(txn.operations.size());
    for (const Operation& operation : txn.operations) {
        Span span = std::visit([](const auto& op) { return span_of(op); }, operation);
        bool single = !std::holds_alternative<EraseRange>(operation);
        if (single && span.begin.empty()) return mistake("a key must not be empty");
        if (single || span.begin < span.end) spans.push_back(span);
    }
    auto before = [](const Span& a, const Span& b) { return a.begin < b.begin; };
    if (!std::is_sorted(spans.begin(), spans.end(), before)) std::ranges::sort(spans, before);
    std::string_view range_end;  // the furthest one so far
    for (std::size_t i = 0; i < spans.size(); ++i) {
        bool same_begin = i > 0 && spans[i].begin == spans[i - 1].begin;
        if (same_begin || spans[i].begin < range_end)
            return mistake(
                fmt::format("the key '{}' is written twice in one transaction; "
                            "each key may be written once",
                            spans[i].begin));
        range_end = std::max(range_end, spans[i].end);
    }
    return std::nullopt;
}

}  // namespace

std::size_t txn_bytes(const Txn& txn) {
    std::size_t sum = 0;
    for (const Compare& compare : txn.compares)
        sum += compare.key.size();
    for (const Operation& operation : txn.operations)
        sum += std::visit([](const auto& op) { return bytes_of(op); }, operation);
    return sum;
}

std::optional<Refused> check_txn(const Txn& txn) {
    if (txn.operations.size() > limits::kTxnOperations)
        return mistake(fmt::format("the transaction has {} operations; at most {} are allowed",
                                   txn.operations.size(), limits::kTxnOperations));
    if (txn.compares.size() > limits::kTxnOperations)
        return mistake(fmt::format("the transaction has {} compares; at most {} are allowed",
                                   txn.compares.size(), limits::kTxnOperations));
    if (std::size_t bytes = txn_bytes(txn); bytes > limits::kTxnBytes)
        return mistake(fmt::format("the transaction has {} bytes; at most {} are allowed", bytes,
                                   limits::kTxnBytes));
    return check_overlap(txn);
}

}  // namespace khronos::store
