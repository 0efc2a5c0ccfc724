// Columns that fit the terminal.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace khronos::cli {

class Table {
  public:
    struct Column {
        std::string title;
        bool right = false;  // numbers
        bool cut = true;     // may be shortened where the terminal is narrow
    };
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    void add(std::vector<std::string> cells);  // as many as columns; any text
    std::size_t rows() const { return rows_.size(); }

    // `width` 0: as wide as it is. `color`: words of success and failure are coloured.
    void print(std::ostream& out, int width, bool color) const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

// Columns that a text takes on a terminal: one for each character, which is near enough.
std::size_t width_of(std::string_view text);

}  // namespace khronos::cli
