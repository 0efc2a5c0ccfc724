// A live copy of one key range, for whoever keeps an index over it: lists, watches, and lists
// again when events were lost and, in case they were lost unnoticed, from time to time. Owns no
// data itself.
#pragma once

#include <functional>
#include <string>

#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::store {

class Mirror {
  public:
    struct Config {
        std::string prefix;
        std::size_t page = 5000;
        // Between unconditional lists; 0: never (a store whose watch cannot lose events).
        Duration relist_every{0};
    };
    struct Listener {
        // A list begins: what is not put before on_listed() is gone.
        std::move_only_function<void()> on_list_begins;
        std::move_only_function<void(KeyValue)> on_put;
        std::move_only_function<void(std::string key, Revision)> on_erase;  // not during a list
        std::move_only_function<void()> on_listed;
        // Everything up to this revision has been told. Called after each batch.
        std::move_only_function<void(Revision)> on_reached;
    };

    Mirror(Store& store, runtime::Loop& loop, Config config, Listener listener);
    Mirror(const Mirror&) = delete;
    ~Mirror();

    void start();
    void stop();
    void relist();  // as if events had been lost
    Revision reached() const { return reached_; }
    bool listed() const { return listed_once_; }

  private:
    void list_page(std::string from, Revision first);
    void watch(Revision after);
    void on_update(WatchUpdate update);
    void arm_relist();

    Store& store_;
    runtime::Loop& loop_;
    Config config_;
    Listener listener_;
    std::string end_;
    Revision reached_;
    bool listed_once_ = false;
    bool running_ = false;
    std::uint64_t round_ = 0;  // of listing; what belongs to an older one is dropped
    WatchId watch_;
    runtime::TimerId relist_timer_;
    runtime::TimerId retry_timer_;
    Duration pause_ = std::chrono::milliseconds(100);
};

}  // namespace khronos::store
