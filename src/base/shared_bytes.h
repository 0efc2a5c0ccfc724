// Immutable bytes with a reference count inside the allocation: eight bytes a handle, sixteen
// more than the content in all. The same record is shared by the store's cache, the scheduler's
// and the API's loop; nobody can write to it, so no lock is needed.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace khronos {

class SharedBytes {
  public:
    SharedBytes() = default;
    explicit SharedBytes(std::string_view content) {
        if (content.empty()) return;
        void* memory = ::operator new(sizeof(Head) + content.size());
        head_ = new (memory) Head{{1}, static_cast<std::uint32_t>(content.size())};
        std::memcpy(static_cast<void*>(head_ + 1), content.data(), content.size());
    }
    SharedBytes(const SharedBytes& other) noexcept : head_(other.head_) {
        if (head_) head_->references.fetch_add(1, std::memory_order_relaxed);
    }
    SharedBytes(SharedBytes&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
    SharedBytes& operator=(SharedBytes other) noexcept {
        std::swap(head_, other.head_);
        return *this;
    }
    ~SharedBytes() {
        if (head_ && head_->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
            ::operator delete(head_);
    }

    std::string_view view() const {
        if (!head_) return {};
        return {reinterpret_cast<const char*>(head_ + 1), head_->size};
    }
    bool empty() const { return head_ == nullptr; }
    friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
        return a.view() == b.view();
    }

  private:
    struct Head {
        std::atomic<std::uint32_t> references;
        std::uint32_t size;
    };
    Head* head_ = nullptr;
};

}  // namespace khronos
