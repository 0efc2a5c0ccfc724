// Who this agent's process is, and who was here before it: the data directory is locked for one
// process, so a former one of it is certainly dead.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "base/error.h"
#include "runtime/entropy.h"

namespace khronos::app {

class AgentIdentity {
  public:
    // Locks the directory until this is destroyed. Errors: conflict (another agent uses it).
    static std::expected<std::unique_ptr<AgentIdentity>, Error> open(const std::string& data_dir,
                                                                     runtime::Entropy& entropy);
    ~AgentIdentity();
    AgentIdentity(const AgentIdentity&) = delete;
    AgentIdentity& operator=(const AgentIdentity&) = delete;

    const std::string& id() const { return id_; }                    // 16 hex digits, random
    const std::string& predecessor() const { return predecessor_; }  // likewise; empty: none

  private:
    AgentIdentity(int fd, std::string id, std::string predecessor)
        : fd_(fd), id_(std::move(id)), predecessor_(std::move(predecessor)) {}
    int fd_;
    std::string id_;
    std::string predecessor_;
};

}  // namespace khronos::app
