// Passes what a mirror tells on one loop to a listener on another, in order, many changes a post.
// The values are shared, not copied: both loops index the same bytes.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/loop.h"
#include "store/mirror.h"

namespace khronos::store {

class Relay {
  public:
    // `to` runs `listener`, which must live until `to` has stopped.
    Relay(runtime::Loop& to, Mirror::Listener& listener) : to_(to), listener_(listener) {}

    void list_begins() { add(ListBegins{}); }
    void put(KeyValue kv) { add(std::move(kv)); }
    void erase(std::string key, Revision revision) { add(Erased{std::move(key), revision}); }
    void listed() { add(Listed{}); }
    // Sends what has gathered.
    void reached(Revision revision);

  private:
    struct ListBegins {};
    struct Erased {
        std::string key;
        Revision revision;
    };
    struct Listed {};
    struct Reached {
        Revision revision;
    };
    using Item = std::variant<ListBegins, KeyValue, Erased, Listed, Reached>;
    static constexpr std::size_t kBatch = 1000;

    void add(Item item);
    void flush();
    static void tell(Mirror::Listener& listener, Item& item);

    runtime::Loop& to_;
    Mirror::Listener& listener_;
    std::vector<Item> gathered_;
};

}  // namespace khronos::store
