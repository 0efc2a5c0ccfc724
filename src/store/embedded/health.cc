#include "store/embedded/health.h"

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>

namespace khronos::store::embedded {

namespace {
std::string describe(const SqlError& error) {
    if (error.system_errno == 0) return error.what;
    return fmt::format("{} ({})", error.what, std::strerror(error.system_errno));
}
}  // namespace

void Health::set_broken(const SqlError& error) {
    std::lock_guard lock(mutex_);
    if (broken_) return;
    why_ = fmt::format(
        "the store in '{}' is {}: {}; stop this process and restore the directory "
        "from a backup",
        directory_, error.damaged() ? "damaged" : "not readable", describe(error));
    broken_ = true;
}

std::optional<std::string> Health::broken() const {
    if (!broken_) return std::nullopt;
    std::lock_guard lock(mutex_);
    return why_;
}

void Health::die(const SqlError& error) const {
    std::string message = fmt::format(
        "khronos: the store in '{}' could not be written: {}. Whether the last change is on the "
        "disk is unknown, so this process ends; check the disk, then start it again\n",
        directory_, describe(error));
    [[maybe_unused]] ssize_t ignored = ::write(STDERR_FILENO, message.data(), message.size());
    ::_exit(74);  // EX_IOERR of sysexits.h
}

void become_background_thread(const char* name) {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    ::pthread_setname_np(::pthread_self(), name);
}

}  // namespace khronos::store::embedded
