#include "sim/store_faults.h"

#include <algorithm>

#include "store/keys.h"

namespace khronos::sim {

using Fate = store::RequestFault::Fate;
using store::RequestKind;

Duration StoreFaults::way() {
    if (random_.chance(rules_.slow)) return random_.between(rules_.longest, rules_.slowest);
    return random_.between(rules_.shortest, rules_.longest);
}

store::RequestFault StoreFaults::on_request(const store::RequestInfo& info) {
    store::RequestFault fault{Fate::carry_out, way(), way()};
    if (world_.now() < out_until_) {
        fault.fate = out_known_ ? Fate::refuse : Fate::lose_request;
        fault.answer_delay = out_known_ ? way() : rules_.gives_up;
        return fault;
    }
    if (info.kind == RequestKind::write) {
        if (!random_.chance(rules_.unknown)) return fault;
        fault.answer_delay = rules_.gives_up;
        switch (random_.between(0, 3)) {
            case 0:
                fault.fate = Fate::lose_request;
                break;
            case 1:  // applied after the client has given up, and perhaps has looked
                fault.fate = Fate::lose_answer;
                fault.request_delay = random_.between(Duration(0), rules_.applied_late);
                break;
            default:
                fault.fate = Fate::lose_answer;
                break;
        }
    } else if (random_.chance(rules_.read_fails)) {
        fault.fate = random_.coin() ? Fate::refuse : Fate::lose_request;
        fault.answer_delay = fault.fate == Fate::refuse ? way() : rules_.gives_up;
    }
    return fault;
}

namespace {

// The jobs' version is compared, and a later event says it, too: a silent loss there would be
// noticed only by the next list. See docs/decisions/0009.
bool may_be_dropped(const store::WatchBatch& batch) {
    return std::ranges::none_of(batch.events, [](const store::WatchEvent& event) {
        return event.kv.key.starts_with(store::keys::kJobs);
    });
}

}  // namespace

store::WatchFault StoreFaults::on_watch_batch(std::string_view client,
                                              const store::WatchBatch& batch) {
    store::WatchFault fault;
    fault.delay = random_.chance(rules_.watch_slow)
                      ? random_.between(Duration(0), rules_.watch_slowest)
                      : way();
    if (random_.chance(rules_.watch_lost)) fault.fate = store::WatchFault::Fate::lose;
    else if (random_.chance(rules_.watch_dropped) && may_be_dropped(batch)) fault.fate = store::WatchFault::Fate::drop;
    else if (random_.chance(rules_.watch_twice)) fault.fate = store::WatchFault::Fate::duplicate;
    // In order: no update overtakes another one.
    auto [last, made] = last_update_.try_emplace(std::string(client), world_.now());
    last->second = std::max(last->second, world_.now() + fault.delay);
    fault.delay = last->second - world_.now();
    return fault;
}

}  // namespace khronos::sim
