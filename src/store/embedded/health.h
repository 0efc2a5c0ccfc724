// What has gone wrong, for every thread of the backend to see.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "store/embedded/sqlite.h"

namespace khronos::store::embedded {

class Health {
  public:
    explicit Health(std::string directory) : directory_(std::move(directory)) {}

    // The content of the store is damaged, or cannot be read: nothing is answered any more.
    void set_broken(const SqlError& error);
    std::optional<std::string> broken() const;

    void set_no_space(bool full) { no_space_ = full; }
    bool no_space() const { return no_space_; }

    // A write or a sync failed. What of it has reached the disk cannot be known while this process
    // lives (the kernel may have dropped the pages and reports the error once), so it ends here.
    [[noreturn]] void die(const SqlError& error) const;

    const std::string& directory() const { return directory_; }

  private:
    const std::string directory_;
    std::atomic<bool> no_space_ = false;
    std::atomic<bool> broken_ = false;
    mutable std::mutex mutex_;
    std::string why_;
};

// Blocks all signals for the calling thread, so that they reach the program's own, and names it.
void become_background_thread(const char* name);

}  // namespace khronos::store::embedded
