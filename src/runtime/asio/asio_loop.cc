#include "runtime/asio/asio_loop.h"

#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "runtime/asio/asio_loop_context.h"

namespace khronos::runtime {

namespace asio = boost::asio;

namespace {

std::int64_t read_clock_us(clockid_t clock) {
    timespec t{};
    CHECK(clock_gettime(clock, &t) == 0);
    return static_cast<std::int64_t>(t.tv_sec) * 1000000 + t.tv_nsec / 1000;
}

int make_timerfd() {
    const int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    CHECK(fd >= 0);
    return fd;
}

}  // namespace

struct AsioLoop::Impl {
    // The hint says that one thread runs the context: completions of the loop's own thread then
    // need no lock. It also lets them overtake other threads' posts, hence the queue below.
    Impl() : context(1), work(context.get_executor()), alarm(context, make_timerfd()) {}

    void drain_posted();
    void run_due_timers();
    void arm();
    void wait_for_alarm();

    std::atomic<std::thread::id> thread{};
    std::atomic<bool> stopping = false;

    // Any thread, under the mutex: what is posted, in order. One drain is on its way whenever the
    // queue is not empty.
    std::mutex mutex;
    std::vector<Task> posted;

    // Loop only: what drain_posted() is at. A member for its memory, which it swaps with `posted`.
    std::vector<Task> draining;

    // Loop only. The order of keys is the order of running: due time, then the making.
    std::map<std::pair<MonoTime, std::uint64_t>, Task> timers;
    std::unordered_map<std::uint64_t, MonoTime> due_of;
    std::uint64_t next_timer = 1;
    MonoTime alarm_at = MonoTime::max();  // what the alarm is set to; max: not set

    // Last, so that it is destroyed first: what its handlers own may still post and cancel.
    asio::io_context context;
    asio::executor_work_guard<asio::io_context::executor_type> work;
    asio::posix::stream_descriptor alarm;
};

void AsioLoop::Impl::drain_posted() {
    {
        const std::lock_guard lock(mutex);
        draining.swap(posted);
    }
    for (Task& task : draining) {
        if (stopping.load(std::memory_order_relaxed)) break;
        // Out of the queue first, so that what it owns goes when it is done.
        std::exchange(task, nullptr)();
    }
    draining.clear();
}

// Runs what is due now, but not what these tasks add: a task that asks for "at once" again and
// again must not keep I/O from being served.
void AsioLoop::Impl::run_due_timers() {
    const MonoTime now{read_clock_us(CLOCK_BOOTTIME)};
    const std::uint64_t first_new = next_timer;
    auto next = timers.begin();
    while (next != timers.end() && next->first.first <= now &&
           !stopping.load(std::memory_order_relaxed)) {
        if (next->first.second >= first_new) {
            ++next;
            continue;
        }
        const auto key = next->first;
        Task task = std::move(next->second);
        due_of.erase(key.second);
        timers.erase(next);
        task();
        next = timers.lower_bound(key);
    }
    arm();
}

void AsioLoop::Impl::arm() {
    if (timers.empty()) return;
    const MonoTime due = timers.begin()->first.first;
    if (due >= alarm_at) return;
    alarm_at = due;
    // A zero time would switch the descriptor off; any past time makes it ready at once.
    const std::int64_t us = std::max<std::int64_t>(due.us, 1);
    itimerspec setting{};
    setting.it_value.tv_sec = us / 1000000;
    setting.it_value.tv_nsec = us % 1000000 * 1000;
    CHECK(timerfd_settime(alarm.native_handle(), TFD_TIMER_ABSTIME, &setting, nullptr) == 0);
}

void AsioLoop::Impl::wait_for_alarm() {
    alarm.async_wait(asio::posix::stream_descriptor::wait_read, [this](auto error) {
        if (error) return;
        // The wait may end early; then the read finds nothing and the setting stays in force.
        std::uint64_t expirations = 0;
        if (::read(alarm.native_handle(), &expirations, sizeof expirations) > 0)
            alarm_at = MonoTime::max();
        run_due_timers();
        wait_for_alarm();
    });
}

AsioLoop::AsioLoop() : impl_(std::make_unique<Impl>()) {
    impl_->wait_for_alarm();
}

AsioLoop::~AsioLoop() {
    CHECK(impl_->thread.load() == std::thread::id());
    // What is dropped may own objects that post or cancel while they are destroyed.
    while (!impl_->timers.empty()) {
        Task dropped = std::move(impl_->timers.begin()->second);
        impl_->due_of.erase(impl_->timers.begin()->first.second);
        impl_->timers.erase(impl_->timers.begin());
    }
    for (;;) {
        std::vector<Task> dropped;
        {
            const std::lock_guard lock(impl_->mutex);
            dropped.swap(impl_->posted);
        }
        if (dropped.empty()) break;
    }
}

void AsioLoop::run() {
    CHECK(impl_->thread.exchange(std::this_thread::get_id()) == std::thread::id());
    impl_->context.run();
    impl_->thread.store(std::thread::id());
}

void AsioLoop::stop() {
    impl_->stopping.store(true, std::memory_order_relaxed);
    impl_->context.stop();
}

bool AsioLoop::on_loop() const {
    const std::thread::id running = impl_->thread.load(std::memory_order_relaxed);
    return running == std::thread::id() || running == std::this_thread::get_id();
}

WallTime AsioLoop::wall_now() const {
    return WallTime{read_clock_us(CLOCK_REALTIME)};
}
MonoTime AsioLoop::mono_now() const {
    return MonoTime{read_clock_us(CLOCK_BOOTTIME)};
}

void AsioLoop::post(Task task) {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->posted.push_back(std::move(task));
        if (impl_->posted.size() > 1) return;
    }
    asio::post(impl_->context, [impl = impl_.get()] { impl->drain_posted(); });
}

TimerId AsioLoop::call_at(MonoTime when, Task task) {
    CHECK(on_loop());
    const TimerId id(impl_->next_timer++);
    impl_->timers.emplace(std::pair(when, id.value), std::move(task));
    impl_->due_of.emplace(id.value, when);
    impl_->arm();
    return id;
}

void AsioLoop::cancel(TimerId id) {
    CHECK(on_loop());
    const auto found = impl_->due_of.find(id.value);
    if (found == impl_->due_of.end()) return;
    const auto timer = impl_->timers.find(std::pair(found->second, id.value));
    impl_->due_of.erase(found);
    // Out of the maps before it is destroyed: what it owns may cancel in turn.
    Task dropped = std::move(timer->second);
    impl_->timers.erase(timer);
}

boost::asio::io_context& io_context_of(AsioLoop& loop) {
    return loop.impl().context;
}

}  // namespace khronos::runtime
