// The one connection to the worker. Nothing here blocks: what the socket does not take at once
// waits in memory.
#pragma once

#include <string>

#include "runner/protocol.h"

namespace khronos::runner {

class Client {
  public:
    explicit Client(int fd) : fd_(fd) {}
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    int fd() const { return fd_; }
    void send(std::string frame) { out_ += frame; }
    // False: the connection is broken.
    bool flush();
    bool wants_to_write() const { return !out_.empty(); }
    // Reads what is there. False: the other side is gone or talks nonsense.
    bool fill();
    FrameCutter& frames() { return in_; }

  private:
    int fd_;
    FrameCutter in_;
    std::string out_;
};

}  // namespace khronos::runner
