// Keeps a Catalog in step with the store: mirrors stats/, and is told of jobs/ by the agent's one
// mirror of them (store/relay.h), so that their records are in memory once.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cluster/catalog.h"
#include "runtime/loop.h"
#include "store/mirror.h"
#include "store/store.h"

namespace khronos::cluster {

class CatalogFeed {
  public:
    struct Config {
        // Between lists of everything, in case a watch lost events unnoticed; 0: never.
        Duration relist_every{0};
        // Told of each record that cannot be read; it is left out.
        std::function<void(std::string)> on_unreadable = [](std::string) {};
    };

    // All on the catalog's loop.
    CatalogFeed(store::Store& store, runtime::Loop& loop, Catalog& catalog, Config config);

    void start();
    void stop();
    // What is to be told of jobs/, on the catalog's loop.
    store::Mirror::Listener& jobs() { return jobs_; }
    // The catalog holds all that the store held at some moment since start().
    bool complete() const { return jobs_listed_ && stats_.listed(); }

  private:
    store::Mirror::Listener jobs_listener();
    store::Mirror::Listener stats_listener();
    void put_job(store::KeyValue kv);
    void put_stats(const store::KeyValue& kv);

    Catalog& catalog_;
    Config config_;
    // While a list is under way: how far it has come. Lists are in the order of the keys.
    bool listing_jobs_ = false;
    std::string last_job_;
    bool listing_stats_ = false;
    std::optional<JobUid> last_stats_;
    bool jobs_listed_ = false;
    store::Mirror::Listener jobs_;
    store::Mirror stats_;
};

}  // namespace khronos::cluster
