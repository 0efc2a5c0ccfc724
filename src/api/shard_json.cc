#include "api/shard_json.h"

namespace khronos::api {
namespace {

boost::json::value text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::string(text);
}

}  // namespace

boost::json::object to_json(const ShardView& view) {
    const bool owned = !view.owner.agent.empty();
    return {{"shard", view.shard.value},
            {"node", owned ? text_or_null(view.owner.node) : nullptr},
            {"agent", text_or_null(view.owner.agent)},
            {"epoch", view.owner.epoch.value}};
}

}  // namespace khronos::api
