// What the API says of the cluster: taken on the core loop, shown on the API's.
#pragma once

#include <string>
#include <vector>

#include "api/services.h"
#include "app/agent_core.h"

namespace khronos::app {

struct ClusterView {
    std::vector<api::Member> members;
    std::vector<std::string> issues;  // of this agent: sentences for /readyz
    bool operator==(const ClusterView&) const = default;
};

// On the core loop.
ClusterView cluster_view(AgentCore& core);

// `host:port`, an IPv6 host in brackets, as others reach what is bound to `bind_ip`: by
// `advertise`, or else by the bound address, or, where that is every one, by the host's name.
std::string address_for_others(const AgentConfig& config, std::uint16_t port);

}  // namespace khronos::app
