#include "store/embedded/checkpointer.h"

namespace khronos::store::embedded {

Checkpointer::Checkpointer(Limits limits, const std::string& file,
                           const Connection::Options& options, Health& health)
    : limits_(limits), connection_(file, options), health_(health), thread_([this] { run(); }) {}

Checkpointer::~Checkpointer() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
}

void Checkpointer::committed(Connection& writer) {
    int frames = writer.wal_frames();
    if (frames < last_frames_) last_frames_ = 0;  // the log began anew
    if (frames >= limits_.finish_frames) {
        std::lock_guard busy(checkpoint_mutex_);
        writer.checkpoint(SQLITE_CHECKPOINT_RESTART);
        last_frames_ = frames;
        return;
    }
    if (frames - last_frames_ < limits_.wake_frames) return;
    last_frames_ = frames;
    {
        std::lock_guard lock(mutex_);
        wanted_ = true;
    }
    wake_.notify_one();
}

void Checkpointer::run() {
    become_background_thread("store-checkpt");
    while (true) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return wanted_ || stopping_; });
            if (stopping_) return;
            wanted_ = false;
        }
        try {
            std::lock_guard busy(checkpoint_mutex_);
            connection_.checkpoint(SQLITE_CHECKPOINT_PASSIVE);
        } catch (const SqlError& error) {
            // A full disk: the log keeps what the main file cannot take yet.
            if (error.no_space()) continue;
            if (error.damaged()) {
                health_.set_broken(error);
                return;
            }
            health_.die(error);
        }
    }
}

}  // namespace khronos::store::embedded
