// agents/<id>: the session of a live agent, on a lease. Only a hint that it is there: what an
// agent may do is decided by the shards' owner keys alone.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "core/model/job.h"

namespace khronos::core {

struct AgentSession {
    std::string id;            // random, of one process
    std::string node;          // for people
    std::string version;       // of the program
    std::string http_address;  // host:port, as others may reach it
    std::string rpc_address;   // of its worker port; empty: it has none
    StringMap tags;
    WallTime started_at;
    // Its wall clock when it wrote this: peers compare it with theirs.
    WallTime clock;
    bool leaving = false;    // hands its shards over and takes no more
    bool clock_off = false;  // likewise, because its clock is not the others'
    std::string unknown_fields;
    bool operator==(const AgentSession&) const = default;
};

}  // namespace khronos::core
