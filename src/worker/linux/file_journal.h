// The worker's notes in a file: frames with a checksum, appended; a thread of its own syncs, so
// that the loop never waits for the disk and all notes written meanwhile share one sync.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/loop.h"
#include "worker/attempt_journal.h"

namespace khronos::worker {

struct FileJournalConfig {
    std::string path;
    std::string machine_boot;  // differs after the machine has been started anew
    std::uint64_t long_bytes = 4u << 20;
};

class FileJournal final : public AttemptJournal {
  public:
    FileJournal(FileJournalConfig config, runtime::Loop& loop);
    ~FileJournal() override;
    FileJournal(const FileJournal&) = delete;
    FileJournal& operator=(const FileJournal&) = delete;

    std::expected<Past, Error> load() override;
    void append(const core::attempt::AttemptNote& note) override;
    void sync(std::move_only_function<void()> done) override;
    bool is_long() const override;
    void rewrite(const std::vector<core::attempt::AttemptNote>& notes) override;

  private:
    void write(std::string_view bytes);
    void sync_until_stopped();

    const FileJournalConfig config_;
    runtime::Loop& loop_;
    std::uint64_t size_ = 0;
    std::uint64_t size_after_rewrite_ = 0;
    bool boot_noted_ = false;  // the file's last boot frame is this boot's

    std::mutex mutex_;
    std::condition_variable wanted_;
    int fd_ = -1;  // replaced under the mutex
    std::vector<std::move_only_function<void()>> waiting_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace khronos::worker
