// Slots in memory that survives a fork as shared memory.
#pragma once

#include <sys/mman.h>

#include <new>
#include <vector>

#include "runner/supervisor.h"

namespace khronos::runner {

class SlotPool {
  public:
    // nullptr when the machine has no memory left.
    Slot* take() {
        if (free_.empty() && !grow()) return nullptr;
        Slot* slot = free_.back();
        free_.pop_back();
        return new (slot) Slot;
    }
    void give_back(Slot* slot) { free_.push_back(slot); }

  private:
    static constexpr std::size_t kStride = 128;  // two runs never share a cache line
    static constexpr std::size_t kSlots = 512;
    static_assert(sizeof(Slot) <= kStride);

    bool grow() {
        void* memory = ::mmap(nullptr, kStride * kSlots, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return false;
        for (std::size_t i = 0; i < kSlots; ++i)
            free_.push_back(reinterpret_cast<Slot*>(static_cast<char*>(memory) + i * kStride));
        return true;
    }
    std::vector<Slot*> free_;
};

}  // namespace khronos::runner
