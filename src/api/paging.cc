#include "api/paging.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "api/http_types.h"

namespace khronos::api {
namespace {

// Too large numbers are the largest one, negative ones zero.
std::optional<std::size_t> clamped(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || end != text.data() + text.size()) return std::nullopt;
    if (error == std::errc::invalid_argument) return std::nullopt;
    if (negative) return 0;
    return error == std::errc::result_out_of_range ? SIZE_MAX : number;
}

}  // namespace

Page page_of(const QueryParameters& parameters, std::size_t length) {
    Page page;
    page.start = clamped(parameters.get("_start").value_or("")).value_or(0);
    const std::size_t whole = SIZE_MAX - page.start > length ? page.start + length : SIZE_MAX;
    page.end = clamped(parameters.get("_end").value_or("")).value_or(whole);
    page.end = std::max(page.start, std::min(page.end, whole));
    return page;
}

bool is_descending(const QueryParameters& parameters, bool otherwise) {
    const std::string_view order = parameters.get("_order").value_or("");
    if (equals_ignoring_case(order, "DESC")) return true;
    if (equals_ignoring_case(order, "ASC")) return false;
    return otherwise;
}

std::size_t number_of(const QueryParameters& parameters, std::string_view key, std::size_t least,
                      std::size_t most, std::size_t otherwise) {
    const auto number = clamped(parameters.get(key).value_or(""));
    return std::clamp(number.value_or(otherwise), least, most);
}

}  // namespace khronos::api
