// An agent, put together: the parts list of `khronos agent`. It makes the store, the loops and
// the long-lived services, joins them, and takes them apart in the right order. It decides
// nothing itself.
//
// Threads: the core loop (scheduler, dispatcher), the worker's loop, the API's loop, and those of
// the store's leaf. Between loops only values travel, by post.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "app/config.h"
#include "base/error.h"
#include "runtime/log.h"

namespace khronos::app {

class Agent {
  public:
    Agent(AgentConfig config, runtime::Log& log);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Blocks until the agent decides, runs and answers. After an error nothing is left running.
    std::expected<void, Error> start();
    // Any thread, once: decides nothing more, waits for what runs here (at most drain_timeout),
    // gives its shards back. Then on_stopped is called, on some thread.
    void stop(std::function<void()> on_stopped);

    // The files may have been renewed. Any thread, while it runs.
    void reload_certificates();

    std::uint16_t http_port() const;     // after start()
    std::string worker_address() const;  // likewise; empty: workers cannot come in

  private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace khronos::app
