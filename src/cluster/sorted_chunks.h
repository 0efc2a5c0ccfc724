// Values in the order of their keys, in chunks: an insertion moves at most one chunk, a million
// values cost little more than their own size, and the n-th value is found by its number.
// Values that arrive in order fill the chunks to the brim.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace khronos::cluster {

// `KeyOf{}(value)` is the value's key; keys are unique and compare with `<`.
template <class T, class KeyOf>
class SortedChunks {
  public:
    using Key = decltype(KeyOf{}(std::declval<const T&>()));

    std::size_t size() const { return size_; }

    T* find(const Key& key) {
        const Place place = lower_bound(key);
        if (place.chunk == chunks_.size()) return nullptr;
        T& value = chunks_[place.chunk][place.index];
        return key < KeyOf{}(value) ? nullptr : &value;
    }
    const T* find(const Key& key) const { return const_cast<SortedChunks*>(this)->find(key); }

    // The key must not be there yet.
    void insert(T value) {
        const Key key = KeyOf{}(value);
        Place place = lower_bound(key);
        ++size_;
        if (place.chunk == chunks_.size()) {
            if (chunks_.empty() || chunks_.back().size() == kChunk) chunks_.emplace_back();
            chunks_.back().push_back(std::move(value));
            return;
        }
        if (chunks_[place.chunk].size() == kChunk) {
            split(place.chunk);
            if (place.index > kChunk / 2) {
                ++place.chunk;
                place.index -= kChunk / 2;
            }
        }
        auto& chunk = chunks_[place.chunk];
        chunk.insert(chunk.begin() + static_cast<std::ptrdiff_t>(place.index), std::move(value));
    }

    bool erase(const Key& key) {
        const Place place = lower_bound(key);
        if (place.chunk == chunks_.size()) return false;
        auto& chunk = chunks_[place.chunk];
        if (key < KeyOf{}(chunk[place.index])) return false;
        chunk.erase(chunk.begin() + static_cast<std::ptrdiff_t>(place.index));
        if (chunk.empty())
            chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(place.chunk));
        --size_;
        return true;
    }

    // How many keys are smaller than `key`.
    std::size_t rank(const Key& key) const {
        const Place place = lower_bound(key);
        std::size_t before = place.index;
        for (std::size_t i = 0; i < place.chunk && i < chunks_.size(); ++i)
            before += chunks_[i].size();
        return before;
    }

    // Visits at most `count` values from number `first` on.
    template <class Visit>
    void visit_from(std::size_t first, std::size_t count, Visit visit) const {
        for (const auto& chunk : chunks_) {
            if (count == 0) return;
            if (first >= chunk.size()) {
                first -= chunk.size();
                continue;
            }
            for (; first < chunk.size() && count > 0; ++first, --count)
                visit(chunk[first]);
            first = 0;
        }
    }

    void clear() {
        chunks_.clear();
        size_ = 0;
    }

  private:
    static constexpr std::size_t kChunk = 512;
    struct Place {
        std::size_t chunk;  // chunks_.size(): behind the last value
        std::size_t index;
    };

    // The first value whose key is not smaller.
    Place lower_bound(const Key& key) const {
        const auto chunk =
            std::partition_point(chunks_.begin(), chunks_.end(),
                                 [&](const std::vector<T>& c) { return KeyOf{}(c.back()) < key; });
        if (chunk == chunks_.end()) return {chunks_.size(), 0};
        const auto value = std::partition_point(chunk->begin(), chunk->end(),
                                                [&](const T& v) { return KeyOf{}(v) < key; });
        return {static_cast<std::size_t>(chunk - chunks_.begin()),
                static_cast<std::size_t>(value - chunk->begin())};
    }

    void split(std::size_t at) {
        auto& full = chunks_[at];
        const auto middle = full.begin() + kChunk / 2;
        std::vector<T> upper(std::make_move_iterator(middle), std::make_move_iterator(full.end()));
        full.erase(middle, full.end());
        chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
    }

    std::vector<std::vector<T>> chunks_;  // none is empty
    std::size_t size_ = 0;
};

}  // namespace khronos::cluster
