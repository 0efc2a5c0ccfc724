// What is kept of a run's output on disk: the first limits::kOutputHead bytes and, in a ring, the
// last limits::kOutputTail bytes. The file is `total` (u64, little-endian; written after the bytes
// it counts), the head, the ring; the byte at offset o >= kOutputHead of the output lies at (o -
// kOutputHead) % kOutputTail of the ring. So 1 GB of output costs 320 kB of disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace khronos::runner {

struct KeptOutput {
    std::string head;         // from the beginning
    std::string tail;         // up to the end; empty when the head is everything
    std::uint64_t total = 0;  // head and tail leave out total - head.size() - tail.size() bytes
};

// Keeps output in memory while it is small, so that a quiet run costs no file.
class OutputKeeper {
  public:
    // `path` is made when the output outgrows what is kept in memory.
    explicit OutputKeeper(std::string path) : path_(std::move(path)) {}
    ~OutputKeeper();
    OutputKeeper(const OutputKeeper&) = delete;
    OutputKeeper& operator=(const OutputKeeper&) = delete;

    void append(std::string_view bytes);
    std::uint64_t total() const { return total_; }
    bool in_file() const { return fd_ >= 0; }
    // The last `limit` bytes, at most limits::kOutputTail.
    std::string tail(std::size_t limit) const;
    KeptOutput kept() const;
    // Nothing more comes: gives the descriptor back. tail() and kept() are not possible any more.
    void close();

  private:
    void to_file(std::string_view bytes);

    std::string path_;
    std::string small_;
    std::uint64_t total_ = 0;
    int fd_ = -1;
    bool failed_ = false;  // the disk is full or the like: the bytes are counted, not kept
};

// Of a run that has ended; while it runs, only its runner knows. False: no such file.
bool read_output_file(const std::string& path, KeptOutput& out);

}  // namespace khronos::runner
