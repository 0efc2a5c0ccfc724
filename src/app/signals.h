// The signals that a long-lived command listens to, as readable events.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

namespace khronos::app {

// Blocked before any thread is made, so that all inherit it.
class Signals {
  public:
    Signals() {
        sigset_t set;
        ::sigemptyset(&set);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP})
            ::sigaddset(&set, signal);
        ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
        std::signal(SIGPIPE, SIG_IGN);
        signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
        stopped_ = ::eventfd(0, EFD_CLOEXEC);
    }
    ~Signals() {
        ::close(signals_);
        ::close(stopped_);
    }

    void tell_stopped() {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(stopped_, &one, sizeof one);
    }
    // The next signal; 0: tell_stopped() was called.
    int wait() {
        pollfd fds[] = {{stopped_, POLLIN, 0}, {signals_, POLLIN, 0}};
        while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
        }
        if (fds[0].revents != 0) return 0;
        signalfd_siginfo info{};
        if (::read(signals_, &info, sizeof info) != sizeof info) return 0;
        return static_cast<int>(info.ssi_signo);
    }

  private:
    int signals_;
    int stopped_;
};

}  // namespace khronos::app
