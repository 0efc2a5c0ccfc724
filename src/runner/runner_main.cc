// khronos-runner --dir DIR [--idle-exit-ms N] [--no-cgroups] [--foreground]
//
// Starts the runner of a data directory and returns when it listens on DIR/socket: the caller
// waits for this process and then connects. Exit codes: 0 it listens, 3 another one does already,
// 1 anything else (the reason is on standard error).
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runner/runner.h"

namespace {

constexpr int kAlreadyRunning = 3;

int fail(const char* what) {
    std::fprintf(stderr, "khronos-runner: %s: %s\n", what, std::strerror(errno));
    return 1;
}

// Raw, because the library keeps two signals to itself that somebody may have ignored all the same.
void use_default_signals() {
    struct {
        void (*handler)(int) = SIG_DFL;
        unsigned long flags = 0;
        void (*restorer)() = nullptr;
        std::uint64_t mask = 0;
    } const action;
    for (int signal = 1; signal < 65; ++signal)
        ::syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof action.mask);
}

int listen_here() {
    // A relative name: the directory's own path may be longer than a socket address allows.
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, "socket");
    ::unlink("socket");
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, 16) != 0)
        return -1;
    return fd;
}

}  // namespace

int main(int argc, char** argv) {
    const char* directory = nullptr;
    long idle_exit_ms = 10'000;
    bool foreground = false;
    bool cgroups = true;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--dir") == 0 && i + 1 < argc) {
            directory = argv[++i];
        } else if (std::strcmp(argv[i], "--idle-exit-ms") == 0 && i + 1 < argc) {
            idle_exit_ms = std::strtol(argv[++i], nullptr, 10);
        } else if (std::strcmp(argv[i], "--foreground") == 0) {
            foreground = true;
        } else if (std::strcmp(argv[i], "--no-cgroups") == 0) {
            cgroups = false;
        } else {
            std::fprintf(stderr, "khronos-runner: unknown argument '%s'\n", argv[i]);
            return 2;
        }
    }
    if (!directory) {
        std::fprintf(
            stderr,
            "usage: khronos-runner --dir DIR [--idle-exit-ms N] [--no-cgroups] [--foreground]\n");
        return 2;
    }
    ::close_range(3, ~0U, 0);
    // Holds the place of the notification's descriptor, so that nothing else gets its number.
    if (::open("/dev/null", O_RDWR | O_CLOEXEC) != khronos::runner::kNotifyFd)
        return fail("/dev/null");
    use_default_signals();
    ::umask(077);
    if (::mkdir(directory, 0700) != 0 && errno != EEXIST) return fail(directory);
    if (::chdir(directory) != 0) return fail(directory);
    struct stat own{};
    if (::stat(".", &own) != 0 || own.st_uid != ::geteuid() || (own.st_mode & 077) != 0) {
        std::fprintf(stderr,
                     "khronos-runner: %s must be this user's own and closed to others (0700)\n",
                     directory);
        return 1;
    }
    if (::mkdir("output", 0700) != 0 && errno != EEXIST) return fail("output");
    const int lock = ::open("lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return fail("lock");
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? kAlreadyRunning : fail("lock");

    int ready[2] = {-1, -1};
    if (!foreground) {
        if (::pipe2(ready, O_CLOEXEC) != 0) return fail("pipe");
        const pid_t child = ::fork();
        if (child < 0) return fail("fork");
        if (child > 0) {
            ::close(ready[1]);
            char byte = 0;
            return ::read(ready[0], &byte, 1) == 1 ? 0 : 1;
        }
        ::close(ready[0]);
        ::setsid();
    }
    const int listener = listen_here();
    if (listener < 0) return fail("socket");
    khronos::runner::RunnerOptions options;
    options.directory = directory;
    options.listen_fd = listener;
    options.idle_exit_us = idle_exit_ms * 1000;
    options.cgroups = cgroups;
    khronos::runner::Runner runner(options);
    if (!runner.prepare()) return 1;
    if (!foreground) {
        [[maybe_unused]] const ssize_t n = ::write(ready[1], "+", 1);
        ::close(ready[1]);
    }
    const int code = runner.serve();
    ::unlink("socket");
    return code;
}
