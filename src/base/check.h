// Assertions that stay on in production. The store is the truth and a restart is safe, so a
// process that finds its own state wrong stops at once.
#pragma once

namespace khronos::detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define CHECK(condition)                                                          \
    do {                                                                          \
        if (!(condition)) [[unlikely]]                                            \
            ::khronos::detail::check_failed(#condition, __FILE__, __LINE__);      \
    } while (false)
