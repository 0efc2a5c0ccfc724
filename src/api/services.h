// What the API's handlers work with. The composition root fills it in and keeps it alive longer
// than the handlers. All of it is used on the API's loop only, and answers there.
//
// A port that is left empty makes its routes answer 501, which says that this agent cannot do it.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "api/http_types.h"
#include "api/page.h"
#include "api/router.h"
#include "base/error.h"
#include "cluster/catalog.h"
#include "cluster/job_writer.h"
#include "core/model/execution.h"
#include "runtime/entropy.h"
#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::api {

template <class T>
using Done = std::move_only_function<void(std::expected<T, Error>)>;

struct AgentInfo {
    std::string node;         // X-Whom
    std::string version;      // `0.1.0`
    std::string environment;  // `local`
    std::string backend;      // `embedded`
    std::string cluster_id;
    WallTime started_at;
};

// One agent, as the member list shows it.
struct Member {
    enum class Status : std::uint8_t { none = 0, alive = 1, leaving = 2, left = 3, failed = 4 };
    std::string name;
    std::string address;     // without port
    std::uint16_t port = 0;  // HTTP
    core::StringMap tags;
    Status status = Status::alive;
    // Khronos has no leader; clients that ask for one are shown the owner of shard 0.
    bool leads = false;
    bool operator==(const Member&) const = default;
};

// A piece of a run's output. It may lack what was dropped between head and tail.
struct OutputPart {
    std::string bytes;
    std::uint64_t offset = 0;  // of `bytes` in what is kept
    std::uint64_t size = 0;    // of all that is kept, now
    bool complete = false;     // nothing will be added
};
struct OutputRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool from_end = false;  // the last `length` bytes; `offset` counts for nothing
    // Offset and size count what was written, not what is kept: the part begins at the first kept
    // byte at or after `offset`, and no further than where the next gap is.
    bool as_written = false;
};

struct Readiness {
    bool ready = true;
    std::vector<std::string> issues;  // sentences; may be non-empty while ready
};

// One worker, as far as the answering agent knows.
struct WorkerInfo {
    enum class State : std::uint8_t {
        ready,     // gets offers
        draining,  // gets none any more; what runs goes on
        suspect,   // silent: gets none until it is heard again
        gone,      // not connected to any agent
    };
    std::string id;
    std::string node;
    std::string boot_id;
    std::string version;
    std::vector<std::string> applications;
    core::StringMap tags;
    std::uint32_t slots = 0;
    std::uint32_t used = 0;
    State state = State::ready;
    WallTime last_heartbeat;          // unset: not known
    std::vector<std::string> agents;  // node names of those that it is connected to
};

// Who asks.
struct Identity {
    std::string name;  // for people, logs and the audit: of the token, with the begin of its id
    Permission role = Permission::viewer;
    std::string token_id;  // empty: no record's
    WallTime expires_at;   // unset: never
    bool operator==(const Identity&) const = default;
};

struct Refusal {
    int status = 403;  // 401 or 403
    std::string why;
};

// Whom and what the front door lets in; see api/front.h.
struct AccessRules {
    // Host names and addresses, without port, that this agent is called by, besides localhost,
    // 127.0.0.1 and [::1]. Another Host is refused: a page of somebody else's can bind its own
    // name to our address.
    std::vector<std::string> hosts;
    // Addresses as such are fine too: where the agent listens on all of its machine's. Nobody can
    // bind a page of his own to an address that is not his.
    bool any_address = false;
    // Origins (`https://tools.example.org`) whose pages may write, besides our own.
    std::vector<std::string> origins;
};

struct Services {
    runtime::Loop& loop;
    store::Store& store;
    cluster::JobWriter& jobs;
    cluster::Catalog& catalog;
    runtime::Entropy& entropy;
    AgentInfo agent;
    AccessRules access;
    Duration misfire_threshold = std::chrono::seconds(60);  // as the scheduler's

    // Who asks, or why not. Empty: nobody is asked (`local`), and everybody is `local`.
    std::function<std::expected<Identity, Refusal>(const HttpRequest&, Permission)> authorize = {};
    std::function<std::array<std::uint8_t, 32>(std::string_view)> sha256 = {};
    // Output that a worker keeps. Empty, or not_found: the tail in the record is shown.
    std::function<void(const core::Execution&, OutputRange, Done<OutputPart>)> read_output = {};
    // Ends an open execution. Returns when that is decided, not when the process is gone.
    std::function<void(const core::ExecutionId&, std::string by, Done<void>)> cancel = {};
    std::function<std::string()> metrics = {};  // Prometheus text
    std::function<Readiness()> readiness = {};
    std::function<std::vector<Member>()> members = {};
    // Every worker of the cluster.
    std::function<void(Done<std::vector<WorkerInfo>>)> workers = {};
    // No more offers to it, or again. Errors: not_found.
    std::function<void(const std::string& id, bool drain, std::string by, Done<void>)>
        drain_worker = {};
    // This agent hands its shards over and ends, once the answer is out.
    std::function<void()> leave = {};
    PageFiles page = {};
};

}  // namespace khronos::api
