#include "runtime/asio/system_entropy.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace khronos::runtime {

std::uint64_t SystemEntropy::next() {
    std::uint64_t value = 0;
    // Eight bytes never come in part once the kernel's pool is ready; before that (early boot)
    // the call waits and a signal may interrupt it.
    for (;;) {
        const ssize_t got = getrandom(&value, sizeof value, 0);
        if (got == static_cast<ssize_t>(sizeof value)) return value;
        CHECK(got < 0 && errno == EINTR);
    }
}

}  // namespace khronos::runtime
