// What an EmbeddedBackend consists of; for the backend and its handles only.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/embedded/checkpointer.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/file.h"
#include "store/embedded/health.h"
#include "store/embedded/mailbox.h"
#include "store/embedded/reader.h"
#include "store/embedded/watch_hub.h"
#include "store/embedded/writer.h"

namespace khronos::store {

struct EmbeddedBackend::Parts {
    Parts(const std::string& directory, const Options& options,
          embedded::FileDescriptor directory_lock,
          std::unique_ptr<embedded::SpaceReserve> space_reserve, embedded::Opened opened,
          std::unique_ptr<embedded::Committer> committer);

    void attach(const std::shared_ptr<embedded::Mailbox>& mailbox);
    void detach(const std::shared_ptr<embedded::Mailbox>& mailbox);
    StoreStatus status() const;

    // Destroyed from the last to the first: the threads end before what they use.
    embedded::FileDescriptor lock;
    std::unique_ptr<embedded::SpaceReserve> reserve;
    embedded::Health health;
    embedded::WatchHub hub;
    embedded::Checkpointer checkpointer;
    embedded::Writer writer;
    embedded::Reader reader;

    std::mutex mutex;
    std::vector<std::shared_ptr<embedded::Mailbox>> handles;  // guarded by mutex
};

}  // namespace khronos::store
