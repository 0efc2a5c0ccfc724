#include "cli/table.h"

#include <algorithm>
#include <numeric>
#include <ostream>

#include "base/check.h"
#include "cli/document.h"

namespace khronos::cli {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 8;

bool begins_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// At most `width` columns; what is cut ends in `…`.
std::string fitted(const std::string& text, std::size_t width) {
    if (width_of(text) <= width) return text;
    std::string cut;
    std::size_t columns = 0;
    for (const char c : text) {
        if (begins_character(c) && ++columns >= width) break;
        cut += c;
    }
    return cut + "\u2026";
}

std::string_view color_of(std::string_view word) {
    if (word == "success" || word == "succeeded" || word == "ready") return "\033[32m";
    if (word == "failed" || word == "timed_out" || word == "lost" || word == "not ready")
        return "\033[31m";
    if (word == "skipped" || word == "coalesced" || word == "cancelled" || word == "retry_wait" ||
        word == "partially_failed")
        return "\033[33m";
    if (word == "running" || word == "waiting") return "\033[36m";
    return "";
}

}  // namespace

std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

void Table::add(std::vector<std::string> cells) {
    CHECK(cells.size() == columns_.size());
    for (std::string& cell : cells)
        cell = printable(cell);
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out, int width, bool color) const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t widest = width_of(columns_[i].title);
        for (const auto& row : rows_)
            widest = std::max(widest, width_of(row[i]));
        widths.push_back(widest);
    }
    // The widest column gives way until all fits, or none can any more.
    if (width > 0) {
        const auto total = [&] {
            return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) +
                   kGap * (widths.size() - 1);
        };
        while (total() > static_cast<std::size_t>(width)) {
            std::size_t widest = columns_.size();
            for (std::size_t i = 0; i < columns_.size(); ++i)
                if (columns_[i].cut && widths[i] > std::max(kNarrowest, columns_[i].title.size()) &&
                    (widest == columns_.size() || widths[i] > widths[widest]))
                    widest = i;
            if (widest == columns_.size()) break;
            --widths[widest];
        }
    }
    const auto line = [&](const std::vector<std::string>& cells, bool is_head) {
        std::string text;
        for (std::size_t i = 0; i < cells.size(); ++i) {
            const std::string shown = fitted(cells[i], widths[i]);
            const std::string padding(widths[i] - width_of(shown), ' ');
            const std::string_view tint = color && !is_head ? color_of(cells[i]) : "";
            if (i > 0) text += "  ";
            if (columns_[i].right) text += padding;
            text += tint;
            text += shown;
            if (!tint.empty()) text += "\033[0m";
            if (!columns_[i].right && i + 1 < cells.size()) text += padding;
        }
        while (text.ends_with(' '))
            text.pop_back();
        out << text << '\n';
    };
    std::vector<std::string> titles;
    for (const Column& column : columns_)
        titles.push_back(column.title);
    line(titles, true);
    for (const auto& row : rows_)
        line(row, false);
}

}  // namespace khronos::cli
