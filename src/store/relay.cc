#include "store/relay.h"

namespace khronos::store {

void Relay::add(Item item) {
    gathered_.push_back(std::move(item));
    if (gathered_.size() >= kBatch) flush();
}

void Relay::reached(Revision revision) {
    gathered_.push_back(Reached{revision});
    flush();
}

void Relay::flush() {
    if (gathered_.empty()) return;
    to_.post([&listener = listener_, items = std::exchange(gathered_, {})]() mutable {
        for (Item& item : items) tell(listener, item);
    });
}

void Relay::tell(Mirror::Listener& listener, Item& item) {
    if (std::holds_alternative<ListBegins>(item)) {
        listener.on_list_begins();
    } else if (auto* kv = std::get_if<KeyValue>(&item)) {
        listener.on_put(std::move(*kv));
    } else if (auto* erased = std::get_if<Erased>(&item)) {
        listener.on_erase(std::move(erased->key), erased->revision);
    } else if (std::holds_alternative<Listed>(item)) {
        listener.on_listed();
    } else {
        listener.on_reached(std::get<Reached>(item).revision);
    }
}

}  // namespace khronos::store
