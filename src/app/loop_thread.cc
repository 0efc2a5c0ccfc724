#include "app/loop_thread.h"

#include <pthread.h>

namespace khronos::app {

LoopThread::LoopThread(std::string name) {
    thread_ = std::thread([this, name = std::move(name)] {
        ::pthread_setname_np(::pthread_self(), name.c_str());
        loop_.run();
    });
}

LoopThread::~LoopThread() { stop(); }

void LoopThread::stop() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
}

}  // namespace khronos::app
