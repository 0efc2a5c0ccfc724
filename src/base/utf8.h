// UTF-8, read strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace khronos {

struct Utf8Character {
    char32_t point = 0;
    std::size_t size = 0;  // bytes; 0: not valid UTF-8 here
};

// The character that begins at text[at]. `at` is inside the text.
Utf8Character utf8_at(std::string_view text, std::size_t at);

bool is_valid_utf8(std::string_view text);

}  // namespace khronos
