// The http executor: requests on libcurl's multi interface, on a thread of its own.
//
// Every connection is checked against the address policy at the moment it is made, so a redirect
// or a name that resolves anew gets no further than the first request would have. No proxy, only
// http and https, at most ten redirects.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/loop.h"
#include "worker/address_policy.h"
#include "worker/executor.h"
#include "worker/http_run.h"

namespace khronos::worker {

struct HttpExecutorConfig {
    AddressPolicy addresses;                 // public ones only, unless said otherwise
    std::uint64_t answer_bytes = 64u << 20;  // a longer answer fails the run
    std::string user_agent = "khronos";
};

class HttpExecutor final : public Executor {
  public:
    HttpExecutor(HttpExecutorConfig config, runtime::Loop& loop);
    // Requests under way are given up; their `done` does not come.
    ~HttpExecutor() override;
    HttpExecutor(const HttpExecutor&) = delete;
    HttpExecutor& operator=(const HttpExecutor&) = delete;

    std::optional<std::string> check(const core::RunSpec& spec) const override;
    void run(const core::RunSpec& spec, FenceToken token, Done done) override;
    void cancel(const core::AttemptId& id, KilledBy why) override;

  private:
    struct Transfer;
    class Engine;  // the thread's side

    const HttpExecutorConfig config_;
    runtime::Loop& loop_;
    std::unique_ptr<Engine> engine_;
};

}  // namespace khronos::worker
