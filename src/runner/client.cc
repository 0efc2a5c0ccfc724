#include "runner/client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace khronos::runner {
namespace {
// A worker that takes nothing any more is cut off here; it gets the list when it connects again.
constexpr std::size_t kMostWaiting = 256u << 20;
}  // namespace

Client::~Client() {
    ::close(fd_);
}

bool Client::flush() {
    std::size_t sent = 0;
    while (sent < out_.size()) {
        const ssize_t n =
            ::send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) return false;
        sent += static_cast<std::size_t>(n);
    }
    out_.erase(0, sent);
    return out_.size() <= kMostWaiting;
}

bool Client::fill() {
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0) return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
    if (n == 0) return false;
    in_.feed(std::string_view(buffer, static_cast<std::size_t>(n)));
    return true;
}

}  // namespace khronos::runner
