// Who owns a shard, as JSON.
#pragma once

#include <boost/json/object.hpp>

#include "core/model/shard.h"

namespace khronos::api {

struct ShardView {
    ShardId shard;
    const core::Owner& owner;
};
// `node` and `agent` are null where nobody owns it.
boost::json::object to_json(const ShardView& view);

}  // namespace khronos::api
