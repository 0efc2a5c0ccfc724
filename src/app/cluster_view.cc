#include "app/cluster_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "app/config_sources.h"

namespace khronos::app {
namespace {

constexpr Duration kFarAhead = std::chrono::seconds(60);

api::Member member_of(const core::AgentSession& session, bool leads) {
    api::Member member;
    member.name = session.node;
    const std::size_t colon = session.http_address.rfind(':');
    if (colon != std::string::npos) {
        member.address = session.http_address.substr(0, colon);
        if (member.address.starts_with('['))
            member.address = member.address.substr(1, member.address.size() - 2);
        const char* end = session.http_address.data() + session.http_address.size();
        std::from_chars(session.http_address.data() + colon + 1, end, member.port);
    }
    member.tags = session.tags;
    member.status = session.leaving ? api::Member::Status::leaving : api::Member::Status::alive;
    member.leads = leads;
    return member;
}

}  // namespace

ClusterView cluster_view(AgentCore& core) {
    ClusterView view;
    cluster::Ownership& ownership = core.ownership();
    const core::AgentSession* eldest = ownership.eldest();
    for (const core::AgentSession& session : ownership.members())
        view.members.push_back(member_of(session, eldest && session.id == eldest->id));
    if (ownership.clock_off())
        view.issues.emplace_back("this agent's clock is more than a second off most other agents': "
                                 "it decides for no shard; mend the clock (NTP)");
    if (const std::size_t orphans = ownership.orphans(); orphans > 0)
        view.issues.push_back(fmt::format("{} shards have no live owner at the moment", orphans));
    // Somebody's clock was wrong: nothing is due there until time has caught up.
    WallTime ahead;
    std::size_t shards = 0;
    for (std::uint16_t i = 0; i < kShardCount; ++i) {
        const WallTime decided = core.scheduler().decided_up_to(ShardId(i));
        if (!decided.is_set() || decided <= core.wall_now() + kFarAhead) continue;
        ++shards;
        ahead = std::max(ahead, decided);
    }
    if (shards > 0)
        view.issues.push_back(
            fmt::format("critical: {} shards are decided up to {} already, by a clock that was "
                        "ahead; until then their jobs run only by hand",
                        shards, to_rfc3339(ahead)));
    return view;
}

std::string address_for_others(const AgentConfig& config, std::uint16_t port) {
    std::string host = config.advertise;
    if (host.empty())
        host = config.bind_ip == "0.0.0.0" || config.bind_ip == "::" ? this_machine().host_name
                                                                     : config.bind_ip;
    const bool v6 = host.find(':') != std::string::npos;
    return fmt::format("{}:{}", v6 ? "[" + host + "]" : host, port);
}

}  // namespace khronos::app
