#include "cluster/meta.h"

#include <fmt/format.h>

#include "store/keys.h"
#include "store/settle.h"

namespace khronos::cluster {
namespace {

using Done = std::move_only_function<void(std::expected<store::Meta, Error>)>;

}  // namespace

std::expected<store::Meta, Error> check_meta(const store::KeyValue& kv) {
    auto meta = store::decode<store::Meta>(kv.value.view());
    if (meta && meta->incomplete)
        return std::unexpected(Error{ErrorKind::refused, "",
                                     "a migration into this store did not end; empty it, and "
                                     "migrate again"});
    if (!meta || meta->cluster_id.empty())
        return std::unexpected(Error{ErrorKind::refused, "",
                                     "the store holds something that is not Khronos'; give "
                                     "Khronos a data directory or a keyspace of its own"});
    if (meta->format_version > store::kFormatVersion)
        return std::unexpected(
            Error{ErrorKind::refused, "",
                  fmt::format("the store has format {}, this version of Khronos reads up to {}: "
                              "use the newer version",
                              meta->format_version, store::kFormatVersion)});
    return *meta;
}

void open_meta(store::Store& store, runtime::Loop& loop, runtime::Entropy& entropy, Done done) {
    store.get(std::string(store::keys::kMeta), [&store, &loop, &entropy,
                                                done = std::move(done)](auto result) mutable {
        if (!result)
            return done(std::unexpected(Error{ErrorKind::unavailable, "", result.error().why}));
        if (result->kv) return done(check_meta(*result->kv));
        store::Meta meta;
        meta.cluster_id = fmt::format("{:016x}{:016x}", entropy.next(), entropy.next());
        store::SettleRequest request;
        const std::string key(store::keys::kMeta);
        request.txn = {{{key, store::Compare::Target::mod_revision, Revision(0)}},
                       {store::Put{key, store::encode(meta), {}}}};
        request.probe = key;
        request.is_mine = [bytes = store::encode(meta)](const store::KeyValue& kv) {
            return kv.value.view() == bytes;
        };
        store::settle(store, loop, std::move(request),
                      [&store, &loop, &entropy, meta,
                       done = std::move(done)](store::WriteOutcome outcome) mutable {
                          if (std::holds_alternative<store::Applied>(outcome)) return done(meta);
                          if (std::holds_alternative<store::Conflict>(outcome))
                              return open_meta(store, loop, entropy, std::move(done));
                          std::string why = "the store closed";
                          if (const auto* refused = std::get_if<store::Refused>(&outcome))
                              why = refused->why;
                          done(std::unexpected(Error{ErrorKind::unavailable, "", why}));
                      });
    });
}

}  // namespace khronos::cluster
