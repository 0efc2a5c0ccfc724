#include "app/config_nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace khronos::app {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    // Three rows of the usual table: the one before the last is for swaps.
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::string did_you_mean(std::string_view typed, std::span<const std::string> known) {
    if (typed.size() > 64) return {};
    const std::string* best = nullptr;
    std::size_t best_distance = 4;
    for (const std::string& name : known) {
        const std::size_t distance = edit_distance(typed, name);
        if (distance < best_distance && distance * 3 <= std::max(name.size(), typed.size())) {
            best = &name;
            best_distance = distance;
        }
    }
    return best ? fmt::format("; did you mean '{}'?", *best) : std::string();
}

}  // namespace khronos::app
