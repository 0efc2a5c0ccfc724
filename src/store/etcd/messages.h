// The port's values as etcd's messages and back. The keyspace's prefix is added and taken off here.
#pragma once

#include <string>
#include <string_view>

#include "etcd/rpc.pb.h"
#include "store/store.h"

namespace khronos::store::etcd {

namespace pb = etcdserverpb;

class Messages {
  public:
    // `/khronos`: the key `a` is etcd's `/khronos/a`.
    explicit Messages(std::string_view keyspace) : prefix_(std::string(keyspace) + "/") {}

    std::string full(std::string_view key) const { return prefix_ + std::string(key); }
    const std::string& prefix() const { return prefix_; }

    // `txn` has passed check_txn().
    pb::TxnRequest txn(const Txn& txn) const;
    pb::RangeRequest get(std::string_view key) const;
    pb::RangeRequest range(const RangeRequest& request) const;

    WriteOutcome outcome(const pb::TxnResponse& response) const;
    GetResult get_result(const pb::RangeResponse& response) const;
    RangeResult range_result(const RangeRequest& request, const pb::RangeResponse& response) const;
    KeyValue key_value(const mvccpb::KeyValue& kv) const;
    WatchEvent event(const mvccpb::Event& event) const;

  private:
    std::string prefix_;
};

inline Revision revision_of(const pb::ResponseHeader& header) {
    return Revision(static_cast<std::uint64_t>(header.revision()));
}

}  // namespace khronos::store::etcd
