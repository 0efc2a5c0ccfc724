#include "cluster/cancel_requests.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "store/codec.h"
#include "store/keys.h"
#include "store/txns.h"

namespace khronos::cluster {

namespace keys = store::keys;

void ask_to_cancel(store::Store& store, const core::ExecutionId& id, std::string by,
                   std::move_only_function<void(std::expected<void, Error>)> done) {
    store.get(keys::execution(id), [&store, id, by = std::move(by),
                                    done = std::move(done)](auto result) mutable {
        const auto fail = [&](ErrorKind kind, std::string why) {
            done(std::unexpected(Error{kind, "", std::move(why)}));
        };
        if (!result)
            return fail(ErrorKind::unavailable, "the store cannot be reached: " + result.error().why);
        if (!result->kv) return fail(ErrorKind::not_found, "there is no such execution");
        const auto execution = store::decode<core::Execution>(result->kv->value.view());
        if (!execution) return fail(ErrorKind::internal, execution.error());
        if (!core::is_open(execution->state))
            return fail(ErrorKind::conflict, "the execution is not running or waiting");
        // Asked for twice it is the same; what has ended meanwhile is swept by its owner.
        store.write(store::txns::ask_to_cancel(shard_of(execution->job_name), id, by),
                    [done = std::move(done)](store::WriteOutcome outcome) mutable {
                        if (std::holds_alternative<store::Applied>(outcome)) return done({});
                        std::string why = "whether the wish was kept is not known: ask again";
                        if (const auto* refused = std::get_if<store::Refused>(&outcome))
                            why = "the store refused it: " + refused->why;
                        done(std::unexpected(Error{ErrorKind::unavailable, "", why}));
                    });
    });
}

CancelRequests::CancelRequests(store::Store& store, runtime::Loop& loop, Config config,
                               Actions actions)
    : store_(store),
      actions_(std::move(actions)),
      mirror_(store, loop, {std::string(keys::kCancels), 1000, config.relist_every}, listener()) {}

CancelRequests::~CancelRequests() { *alive_ = false; }

void CancelRequests::start() { mirror_.start(); }
void CancelRequests::stop() { mirror_.stop(); }

store::Mirror::Listener CancelRequests::listener() {
    store::Mirror::Listener listener;
    listener.on_list_begins = [this] { wishes_.clear(); };
    listener.on_put = [this](store::KeyValue kv) {
        const auto key = keys::cancel_of_key(kv.key);
        if (!key) return;
        const Wish wish{key->shard, std::string(kv.value.view())};
        wishes_.insert_or_assign(key->id, wish);
        carry_out(key->id, wish);
    };
    listener.on_erase = [this](const std::string& key, Revision) {
        if (const auto item = keys::cancel_of_key(key)) wishes_.erase(item->id);
    };
    listener.on_listed = [] {};
    listener.on_reached = [](Revision) {};
    return listener;
}

void CancelRequests::carry_out(const core::ExecutionId& id, const Wish& wish) {
    if (!actions_.is_ours(wish.shard)) return;
    actions_.cancel(id, wish.by, [this, alive = alive_, id, shard = wish.shard](bool known) {
        if (*alive && !known) forget(shard, id);
    });
}

void CancelRequests::shard_loaded(ShardId shard) {
    std::vector<std::pair<core::ExecutionId, Wish>> its;
    for (const auto& [id, wish] : wishes_)
        if (wish.shard == shard) its.emplace_back(id, wish);
    for (const auto& [id, wish] : its) carry_out(id, wish);
}

void CancelRequests::ended(ShardId shard, const core::ExecutionId& id) {
    if (wishes_.contains(id)) forget(shard, id);
}

// What does not get through is found again by the next list.
void CancelRequests::forget(ShardId shard, const core::ExecutionId& id) {
    store_.write({{}, {store::Erase{keys::cancel(shard, id)}}}, [](store::WriteOutcome) {});
}

}  // namespace khronos::cluster
