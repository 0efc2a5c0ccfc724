// The store of this process, of whichever kind: opened once, a handle for each loop.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "app/config.h"
#include "base/error.h"
#include "runtime/entropy.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "store/store.h"

namespace khronos::app {

class StoreSource {
  public:
    virtual ~StoreSource() = default;

    // `entropy` and `log` are used on any thread and outlive it. Errors say what to do.
    static std::expected<std::unique_ptr<StoreSource>, Error> open(const AgentConfig& config,
                                                                   runtime::Entropy& entropy,
                                                                   runtime::Log& log);

    // To be destroyed on `loop`, and before this.
    virtual std::unique_ptr<store::Store> handle(runtime::Loop& loop) = 0;
    // Other agents may use it, too.
    virtual bool is_shared() const = 0;
    virtual std::string kind() const = 0;  // `embedded`, `etcd`
};

}  // namespace khronos::app
