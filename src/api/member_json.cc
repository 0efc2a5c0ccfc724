#include "api/member_json.h"

#include <charconv>

namespace khronos::api {
namespace json = boost::json;
namespace {

std::string_view to_text(Member::Status status) {
    switch (status) {
        case Member::Status::none:
            return "none";
        case Member::Status::alive:
            return "alive";
        case Member::Status::leaving:
            return "leaving";
        case Member::Status::left:
            return "left";
        case Member::Status::failed:
            return "failed";
    }
    return "none";
}

json::object map_json(const core::StringMap& map) {
    json::object object;
    for (const auto& [key, value] : map)
        object.emplace(key, value);
    return object;
}

}  // namespace

Member member_of(const core::AgentSession& session) {
    Member member;
    member.name = session.node;
    member.tags = session.tags;
    member.status = session.leaving ? Member::Status::leaving : Member::Status::alive;
    const std::string_view address = session.http_address;
    const std::size_t colon = address.rfind(':');
    member.address = address.substr(0, colon);
    if (colon != address.npos)
        std::from_chars(address.data() + colon + 1, address.data() + address.size(), member.port);
    return member;
}

// The protocol numbers are Serf's, which Dkron's clients have fields for; there is no Serf here.
json::object to_json(const Member& member, MemberForm form) {
    json::object object{{"Name", member.name},
                        {"Addr", member.address},
                        {"Port", member.port},
                        {"Tags", map_json(member.tags)},
                        {"Status", static_cast<int>(member.status)},
                        {"ProtocolMin", 1},
                        {"ProtocolMax", 5},
                        {"ProtocolCur", 2},
                        {"DelegateMin", 2},
                        {"DelegateMax", 5},
                        {"DelegateCur", 4}};
    if (form == MemberForm::in_list) {
        object.emplace("id", member.name);
        object.emplace("statusText", to_text(member.status));
    }
    return object;
}

}  // namespace khronos::api
