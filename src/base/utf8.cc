#include "base/utf8.h"

namespace khronos {

Utf8Character utf8_at(std::string_view text, std::size_t at) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = lead >> 5 == 0x06   ? 2
                             : lead >> 4 == 0x0e ? 3
                             : lead >> 3 == 0x1e ? 4
                                                 : 0;
    if (size == 0 || text.size() - at < size) return {};
    char32_t point = lead & (0x7fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        const auto next = static_cast<unsigned char>(text[at + i]);
        if (next >> 6 != 2) return {};
        point = point << 6 | (next & 0x3fu);
    }
    constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return {};
    return {point, size};
}

bool is_valid_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Character character = utf8_at(text, at);
        if (character.size == 0) return false;
        at += character.size;
    }
    return true;
}

}  // namespace khronos
