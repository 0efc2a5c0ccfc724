// The runner's memory across its own death: an append-only file of frames, each with a checksum.
// A written record survives the death of any process; sync() makes it survive the machine's.
// A torn or damaged tail ends the replay; what was before it counts.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runner/protocol.h"

namespace khronos::runner {

// A run as the journal knows it.
struct JournalRun {
    std::string key;
    std::string mark;
    std::int64_t began_us = 0;            // real time
    pid_t command = 0;                    // 0: not known to have been started
    std::int64_t command_started_us = 0;  // CLOCK_BOOTTIME
    bool has_end = false;
    RunEnd end;
};

class RunJournal {
  public:
    explicit RunJournal(std::string path) : path_(std::move(path)) {}
    ~RunJournal();
    RunJournal(const RunJournal&) = delete;
    RunJournal& operator=(const RunJournal&) = delete;

    // Reads what is there. False: the file cannot be opened or made; errno says why.
    bool open(std::vector<JournalRun>& runs);
    // Replaces the file by one that says just this. False on an error of the disk.
    bool rewrite(const std::vector<JournalRun>& runs);

    void began(const std::string& key, const std::string& mark, std::int64_t at_us);
    void spawned(const std::string& key, pid_t command, std::int64_t started_us);
    void ended(const RunEnd& end);
    void forgotten(const std::string& key);

    // Writes what was added since. False on an error of the disk.
    bool flush();
    void sync();
    std::uint64_t size() const { return size_; }

  private:
    void add(std::string frame);

    std::string path_;
    std::string pending_;
    int fd_ = -1;
    std::uint64_t size_ = 0;
};

std::uint32_t crc32(std::string_view bytes);

}  // namespace khronos::runner
