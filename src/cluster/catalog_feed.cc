#include "cluster/catalog_feed.h"

#include <utility>

#include "store/codec.h"
#include "store/keys.h"

namespace khronos::cluster {
namespace {

store::Mirror::Config mirror_of(std::string_view prefix, Duration relist_every) {
    store::Mirror::Config config;
    config.prefix = prefix;
    config.relist_every = relist_every;
    return config;
}

}  // namespace

CatalogFeed::CatalogFeed(store::Store& store, runtime::Loop& loop, Catalog& catalog, Config config)
    : catalog_(catalog),
      config_(std::move(config)),
      jobs_(jobs_listener()),
      stats_(store, loop, mirror_of(store::keys::kStats, config_.relist_every), stats_listener()) {}

void CatalogFeed::start() {
    stats_.start();
}

void CatalogFeed::stop() {
    stats_.stop();
}

store::Mirror::Listener CatalogFeed::jobs_listener() {
    return {
        .on_list_begins =
            [this] {
                listing_jobs_ = true;
                last_job_.clear();
            },
        .on_put = [this](store::KeyValue kv) { put_job(std::move(kv)); },
        .on_erase =
            [this](std::string key, Revision mod) {
                if (const auto name = store::keys::job_name_of(key)) catalog_.erase(*name, mod);
            },
        .on_listed =
            [this] {
                catalog_.erase_between(last_job_, "");
                listing_jobs_ = false;
                jobs_listed_ = true;
            },
        .on_reached = [this](Revision revision) { catalog_.reached(revision); },
    };
}

void CatalogFeed::put_job(store::KeyValue kv) {
    const auto name = store::keys::job_name_of(kv.key);
    if (!name || name->empty()) return;
    if (listing_jobs_) {
        catalog_.erase_between(last_job_, *name);
        last_job_ = *name;
    }
    if (!catalog_.apply(*name, kv.value, kv.mod_revision))
        config_.on_unreadable("the record at " + kv.key + " is no job of that name");
}

store::Mirror::Listener CatalogFeed::stats_listener() {
    return {
        .on_list_begins =
            [this] {
                listing_stats_ = true;
                last_stats_.reset();
            },
        .on_put = [this](store::KeyValue kv) { put_stats(kv); },
        .on_erase =
            [this](std::string key, Revision) {
                if (const auto uid = store::keys::stats_uid_of(key)) catalog_.erase_stats(*uid);
            },
        .on_listed =
            [this] {
                catalog_.erase_stats_between(last_stats_, std::nullopt);
                listing_stats_ = false;
            },
        .on_reached = [](Revision) {},
    };
}

void CatalogFeed::put_stats(const store::KeyValue& kv) {
    const auto uid = store::keys::stats_uid_of(kv.key);
    if (!uid) return;
    if (listing_stats_) {
        catalog_.erase_stats_between(last_stats_, *uid);
        last_stats_ = *uid;
    }
    if (const auto stats = store::decode<core::JobStats>(kv.value.view()))
        catalog_.apply_stats(*uid, *stats);
    else
        config_.on_unreadable("the record at " + kv.key + ": " + stats.error());
}

}  // namespace khronos::cluster
