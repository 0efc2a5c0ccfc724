// The agent's own worker: the same code as `khronos worker`, joined in memory instead of over a
// network, with the machine's process host and executors.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/services.h"
#include "app/loop_thread.h"
#include "base/error.h"
#include "runtime/entropy.h"
#include "runtime/log.h"
#include "wire/worker_link.h"

namespace khronos::app {

class BuiltinWorker {
  public:
    struct Config {
        std::string data_dir;  // made where it is missing
        std::string node;
        std::map<std::string, std::string> tags;
        std::uint32_t slots = 1;
        std::string secrets_dir;  // its files are what ${secret:NAME} stands for
        bool any_address = false;  // http jobs may reach private networks and this machine
    };
    // Blocks until it is set up; it says hello on `link` once that is connected.
    static std::expected<std::unique_ptr<BuiltinWorker>, Error> start(Config config,
                                                                      LoopThread& thread,
                                                                      wire::WorkerEnd& link,
                                                                      runtime::Entropy& entropy,
                                                                      runtime::Log& log);
    // Processes live on in their runner; the next start takes them up again.
    ~BuiltinWorker();

    // A part of what a run has written, head and tail with a line in between that says how much
    // is left out. Any thread; `done` is posted to `answer_on`.
    void read_output(const core::Execution& execution, api::OutputRange range,
                     runtime::Loop& answer_on, api::Done<api::OutputPart> done);

  private:
    struct Parts;
    explicit BuiltinWorker(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace khronos::app
