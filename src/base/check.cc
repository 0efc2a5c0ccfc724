#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace khronos::detail {

void check_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "khronos: internal error: CHECK(%s) failed at %s:%d\n", condition, file,
                 line);
    std::abort();
}

}  // namespace khronos::detail
