// An agent as Dkron's member list shows it.
#pragma once

#include <boost/json/object.hpp>

#include "api/services.h"
#include "core/model/agent.h"

namespace khronos::api {

enum class MemberForm : std::uint8_t { in_list, leader };  // the leader has no `id`, `statusText`
boost::json::object to_json(const Member& member, MemberForm form);

Member member_of(const core::AgentSession& session);

}  // namespace khronos::api
