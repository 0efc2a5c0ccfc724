// C++ source as far as the layer check has to understand it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace khronos::layers {

// The same text, with the same line breaks, in which every comment is blanks; with
// `blank_strings`, the content of every string and character literal too. An unterminated comment
// or string ends with the text.
std::string strip_comments(std::string_view text, bool blank_strings);

struct Include {
    int line = 0;      // from 1
    std::string path;  // what is between the quotes or brackets
    bool quoted = false;
    bool operator==(const Include&) const = default;
};
// Every #include outside of comments, in branches of #if that are not taken too.
std::vector<Include> includes_of(std::string_view text);

}  // namespace khronos::layers
