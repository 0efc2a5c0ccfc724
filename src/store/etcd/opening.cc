#include "store/etcd/opening.h"

#include <fmt/format.h>

#include <utility>

#include "store/codec.h"
#include "store/etcd/outcome.h"
#include "store/etcd/version.h"
#include "store/keys.h"

namespace khronos::store::etcd {
namespace {

std::unexpected<Error> conflict(std::string field, std::string message) {
    return std::unexpected(Error{ErrorKind::conflict, std::move(field), std::move(message)});
}

}  // namespace

std::expected<void, Error> check_keyspace(const EtcdOptions& options, const std::string* meta,
                                          bool any_key) {
    const std::string& keyspace = options.keyspace;
    if (!meta) {
        if (!any_key) return {};
        return conflict("etcd.keyspace",
                        fmt::format("'{}' holds keys of something else: it has no record '{}/{}'; "
                                    "choose another keyspace, or empty this one",
                                    keyspace, keyspace, keys::kMeta));
    }
    const auto record = decode<Meta>(*meta);
    if (record && record->incomplete)
        return conflict("etcd.keyspace",
                        fmt::format("a migration into '{}' did not end; empty it (etcdctl del "
                                    "--prefix {}/) and migrate again",
                                    keyspace, keyspace));
    if (!record || record->cluster_id.empty())
        return conflict("etcd.keyspace", fmt::format("the record '{}/{}' is not Khronos's; choose "
                                                     "another keyspace",
                                                     keyspace, keys::kMeta));
    if (record->format_version > kFormatVersion)
        return conflict("etcd.keyspace",
                        fmt::format("'{}' has the format version {}, this program reads up to {}; "
                                    "use a newer program",
                                    keyspace, record->format_version, kFormatVersion));
    if (!options.cluster_id.empty() && record->cluster_id != options.cluster_id)
        return conflict("etcd.keyspace",
                        fmt::format("'{}' belongs to the Khronos cluster '{}', not to '{}'",
                                    keyspace, record->cluster_id, options.cluster_id));
    return {};
}

Opening::Opening(runtime::Loop& loop, runtime::Log& log, const EtcdOptions& options,
                 const Messages& messages, Router& router, Done done)
    : loop_(loop),
      log_(log),
      options_(options),
      messages_(messages),
      router_(router),
      done_(std::move(done)) {}

Opening::~Opening() {
    loop_.cancel(timer_);
}

void Opening::start() {
    timer_ = loop_.call_after(options_.open_deadline, [this] {
        std::string why = router_.trouble();
        if (why.empty()) why = "etcd answers, but not to a read of the keyspace";
        finish(std::unexpected(Error{ErrorKind::unavailable, "etcd.endpoints", std::move(why)}));
    });
    router_.start();
}

void Opening::on_route_change() {
    if (!done_) return;
    if (router_.denied()) {
        finish(std::unexpected(Error{ErrorKind::refused, "etcd.user", words(*router_.denied())}));
    } else if (router_.in_use() && !std::exchange(looked_, true)) {
        if (auto ok = check_version(); !ok) return finish(std::move(ok));
        look();
    }
}

std::expected<void, Error> Opening::check_version() const {
    const auto version = parse_version(router_.version());
    if (!version || !is_supported(*version))
        return conflict("etcd.endpoints", fmt::format("etcd {} is too old: 3.4 is the first that "
                                                      "can be used",
                                                      router_.version()));
    if (const std::string_view trouble = known_trouble(*version); !trouble.empty())
        log_.warn("etcd is an old version", {{"version", router_.version()}, {"trouble", trouble}});
    return {};
}

// The meta record and one key more, in one transaction.
void Opening::look() {
    pb::TxnRequest txn;
    txn.add_success()->mutable_request_range()->set_key(messages_.full(keys::kMeta));
    pb::RangeRequest& any = *txn.add_success()->mutable_request_range();
    any.set_key(messages_.prefix());
    any.set_range_end(prefix_end(messages_.prefix()));
    any.set_limit(1);
    any.set_keys_only(true);

    auto call = [txn = std::move(txn)](Member& member, const CallOptions& options,
                                       RpcDone<pb::TxnResponse> done) {
        member.txn(txn, options, std::move(done));
    };
    using Look = TypedRequest<pb::TxnResponse, decltype(call)>;
    router_.submit(std::make_shared<Look>(
        true, options_.call_deadline, std::move(call), [this](std::shared_ptr<Look> answer) {
            loop_.post([this, answer] { on_answer(answer->status, answer->response); });
        }));
}

void Opening::on_answer(const RpcStatus& status, const pb::TxnResponse& response) {
    if (!done_) return;
    if (!status.ok()) {
        const bool denied = is_denied(status) || wants_login(status);
        if (denied)
            return finish(std::unexpected(Error{
                ErrorKind::refused, "etcd.user",
                fmt::format("{}, reading the keyspace '{}'", words(status), options_.keyspace)}));
        looked_ = false;  // another member may be found before the deadline
        return on_route_change();
    }
    if (response.responses_size() != 2)
        return finish(std::unexpected(
            Error{ErrorKind::unavailable, "etcd.endpoints", "the answer to a read is not etcd's"}));
    const pb::RangeResponse& meta = response.responses(0).response_range();
    const pb::RangeResponse& any = response.responses(1).response_range();
    finish(check_keyspace(options_, meta.kvs().empty() ? nullptr : &meta.kvs(0).value(),
                          !any.kvs().empty()));
}

void Opening::finish(std::expected<void, Error> result) {
    if (!done_) return;
    loop_.cancel(timer_);
    std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace khronos::store::etcd
