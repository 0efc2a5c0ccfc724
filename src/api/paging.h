// Dkron's `_start`, `_end`, `_order`: out of range is clamped, nonsense is as if it were not there.
#pragma once

#include <cstddef>

#include "api/query.h"

namespace khronos::api {

struct Page {
    std::size_t start = 0;
    std::size_t end = 0;  // exclusive, >= start
    bool operator==(const Page&) const = default;
};
// `length`: where the page ends that has no `_end`, counted from its start; SIZE_MAX: never.
Page page_of(const QueryParameters& parameters, std::size_t length);

bool is_descending(const QueryParameters& parameters, bool otherwise);

// The parameter as a number from `least` to `most`, clamped; `otherwise` where it is no number.
std::size_t number_of(const QueryParameters& parameters, std::string_view key, std::size_t least,
                      std::size_t most, std::size_t otherwise);

}  // namespace khronos::api
