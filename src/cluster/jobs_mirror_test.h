// The agent's mirror of jobs/ on the catalog's own loop, for tests: feeds a CatalogFeed directly.
#pragma once

#include <string>
#include <utility>

#include "cluster/catalog_feed.h"
#include "store/keys.h"
#include "store/mirror.h"

namespace khronos::cluster {

inline store::Mirror::Listener forward_to(CatalogFeed& feed) {
    store::Mirror::Listener listener;
    listener.on_list_begins = [&feed] { feed.jobs().on_list_begins(); };
    listener.on_put = [&feed](store::KeyValue kv) { feed.jobs().on_put(std::move(kv)); };
    listener.on_erase = [&feed](std::string key, Revision revision) {
        feed.jobs().on_erase(std::move(key), revision);
    };
    listener.on_listed = [&feed] { feed.jobs().on_listed(); };
    listener.on_reached = [&feed](Revision revision) { feed.jobs().on_reached(revision); };
    return listener;
}

inline store::Mirror::Config jobs_prefix() {
    store::Mirror::Config config;
    config.prefix = store::keys::kJobs;
    return config;
}

}  // namespace khronos::cluster
