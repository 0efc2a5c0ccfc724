#include "runtime/manual_loop.h"

#include "base/check.h"

namespace khronos::runtime {

ManualLoop::ManualLoop(WallTime wall, MonoTime mono) : wall_us_(wall.us), mono_us_(mono.us) {}

WallTime ManualLoop::wall_now() const {
    return WallTime{wall_us_.load()};
}
MonoTime ManualLoop::mono_now() const {
    return MonoTime{mono_us_.load()};
}

void ManualLoop::post(Task task) {
    // Notified under the lock: once the owner has seen the task it may destroy the loop.
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
    posted_something_.notify_one();
}

TimerId ManualLoop::call_at(MonoTime when, Task task) {
    TimerId id(++last_timer_);
    timers_.emplace(TimerKey{when, id}, std::move(task));
    timer_times_.emplace(id, when);
    return id;
}

void ManualLoop::cancel(TimerId id) {
    auto found = timer_times_.find(id);
    if (found == timer_times_.end()) return;
    // The task may own what cancels further timers when it goes: destroy it last.
    auto node = timers_.extract(TimerKey{found->second, id});
    timer_times_.erase(found);
}

std::optional<Task> ManualLoop::take_posted() {
    std::lock_guard lock(mutex_);
    if (posted_.empty()) return std::nullopt;
    Task task = std::move(posted_.front());
    posted_.pop_front();
    return task;
}

std::optional<Task> ManualLoop::take_due_timer() {
    if (timers_.empty() || timers_.begin()->first.first > mono_now()) return std::nullopt;
    auto node = timers_.extract(timers_.begin());
    timer_times_.erase(node.key().second);
    return std::move(node.mapped());
}

void ManualLoop::run(Task task) {
    CHECK(!running_);  // a task must not turn the loop it runs on
    running_ = true;
    task();
    running_ = false;
}

bool ManualLoop::run_one() {
    std::optional<Task> task = take_posted();
    if (!task) task = take_due_timer();
    if (!task) return false;
    run(std::move(*task));
    return true;
}

std::size_t ManualLoop::run_until_idle() {
    std::size_t count = 0;
    while (run_one())
        ++count;
    return count;
}

void ManualLoop::run_one_blocking() {
    while (!run_one()) {
        std::unique_lock lock(mutex_);
        posted_something_.wait(lock, [this] { return !posted_.empty(); });
    }
}

std::size_t ManualLoop::advance(Duration d) {
    CHECK(d >= Duration::zero());
    return advance_to(mono_now() + d);
}

std::size_t ManualLoop::advance_to(MonoTime target) {
    CHECK(target >= mono_now());
    std::size_t count = run_until_idle();
    while (mono_now() < target) {
        MonoTime stop = target;
        if (auto first = next_timer(); first && *first < target) stop = *first;
        Duration step = stop - mono_now();
        mono_us_ += step.count();
        wall_us_ += step.count();
        count += run_until_idle();
    }
    return count;
}

void ManualLoop::set_wall(WallTime wall) {
    wall_us_ = wall.us;
}

std::optional<MonoTime> ManualLoop::next_timer() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
}

std::size_t ManualLoop::posted() const {
    std::lock_guard lock(mutex_);
    return posted_.size();
}

}  // namespace khronos::runtime
