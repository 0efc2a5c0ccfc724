#include "store/etcd/messages.h"

#include <algorithm>

#include "base/check.h"

namespace khronos::store::etcd {
namespace {

std::int64_t number(Revision revision) {
    return static_cast<std::int64_t>(revision.value);
}
Revision revision(std::int64_t number) {
    return Revision(static_cast<std::uint64_t>(number));
}

}  // namespace

pb::TxnRequest Messages::txn(const Txn& txn) const {
    pb::TxnRequest out;
    for (const Compare& compare : txn.compares) {
        pb::Compare& to = *out.add_compare();
        to.set_result(pb::Compare::EQUAL);
        to.set_key(full(compare.key));
        switch (compare.target) {
            case Compare::Target::create_revision:
                to.set_target(pb::Compare::CREATE);
                to.set_create_revision(number(compare.equals));
                break;
            case Compare::Target::mod_revision:
                to.set_target(pb::Compare::MOD);
                to.set_mod_revision(number(compare.equals));
                break;
        }
    }
    for (const Operation& operation : txn.operations) {
        if (const Put* put = std::get_if<Put>(&operation)) {
            pb::PutRequest& to = *out.add_success()->mutable_request_put();
            to.set_key(full(put->key));
            to.set_value(put->value);
            to.set_lease(static_cast<std::int64_t>(put->lease.value));
        } else if (const Erase* erase = std::get_if<Erase>(&operation)) {
            out.add_success()->mutable_request_delete_range()->set_key(full(erase->key));
        } else {
            const EraseRange& range = std::get<EraseRange>(operation);
            if (range.begin >= range.end) continue;
            pb::DeleteRangeRequest& to = *out.add_success()->mutable_request_delete_range();
            to.set_key(full(range.begin));
            to.set_range_end(full(range.end));
        }
    }
    // etcd answers a transaction without any operation from the member's own state, however old.
    // A read in it makes the answer linearizable.
    if (out.success().empty()) {
        pb::RangeRequest& read = *out.add_success()->mutable_request_range();
        read.set_key(prefix_);
        read.set_count_only(true);
    }
    return out;
}

pb::RangeRequest Messages::get(std::string_view key) const {
    pb::RangeRequest out;
    out.set_key(full(key));
    return out;
}

pb::RangeRequest Messages::range(const RangeRequest& request) const {
    pb::RangeRequest out;
    // An empty range is still asked for its revision.
    const bool empty = request.begin >= request.end;
    out.set_key(full(request.begin));
    if (!empty) out.set_range_end(full(request.end));
    // etcd reads 0 as "no limit": ask for one key, to know whether there is more.
    out.set_limit(static_cast<std::int64_t>(std::max<std::size_t>(request.limit, 1)));
    out.set_keys_only(request.keys_only || empty);
    out.set_count_only(empty);
    if (request.descending) {
        out.set_sort_order(pb::RangeRequest::DESCEND);
        out.set_sort_target(pb::RangeRequest::KEY);
    }
    return out;
}

WriteOutcome Messages::outcome(const pb::TxnResponse& response) const {
    const Revision at = revision_of(response.header());
    if (response.succeeded()) return Applied{at};
    return Conflict{at};
}

GetResult Messages::get_result(const pb::RangeResponse& response) const {
    GetResult result{std::nullopt, revision_of(response.header())};
    if (!response.kvs().empty()) result.kv = key_value(response.kvs(0));
    return result;
}

RangeResult Messages::range_result(const RangeRequest& request,
                                   const pb::RangeResponse& response) const {
    RangeResult result;
    result.revision = revision_of(response.header());
    result.more = response.more();
    if (request.limit == 0) {
        result.more = !response.kvs().empty();
        return result;
    }
    result.kvs.reserve(static_cast<std::size_t>(response.kvs_size()));
    for (const mvccpb::KeyValue& kv : response.kvs())
        result.kvs.push_back(key_value(kv));
    return result;
}

KeyValue Messages::key_value(const mvccpb::KeyValue& kv) const {
    CHECK(kv.key().starts_with(prefix_));  // every range asked for lies under it
    KeyValue out;
    out.key = kv.key().substr(prefix_.size());
    out.value = SharedBytes(kv.value());
    out.create_revision = revision(kv.create_revision());
    out.mod_revision = revision(kv.mod_revision());
    out.lease = LeaseId(static_cast<std::uint64_t>(kv.lease()));
    return out;
}

WatchEvent Messages::event(const mvccpb::Event& event) const {
    WatchEvent out;
    out.kv = key_value(event.kv());
    out.deleted = event.type() == mvccpb::Event::DELETE;
    // etcd leaves the rest of a deleted key empty already; the port promises it.
    if (out.deleted) {
        out.kv.value = SharedBytes();
        out.kv.create_revision = {};
        out.kv.lease = {};
    }
    return out;
}

}  // namespace khronos::store::etcd
