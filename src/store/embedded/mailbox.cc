#include "store/embedded/mailbox.h"

#include <algorithm>
#include <numeric>

namespace khronos::store::embedded {
namespace {

constexpr std::size_t kEventOverhead = sizeof(WatchEvent) + 32;

std::size_t bytes_of(const Mail& mail) {
    const WatchNews* news = std::get_if<WatchNews>(&mail);
    return news ? news->chunk->bytes : 0;
}

}  // namespace

Chunk::Chunk(std::vector<WatchEvent> of_commit) : events(std::move(of_commit)) {
    by_key.resize(events.size());
    std::iota(by_key.begin(), by_key.end(), 0u);
    std::ranges::sort(by_key, {},
                      [this](std::uint32_t i) -> const std::string& { return events[i].kv.key; });
    for (const WatchEvent& event : events)
        bytes += kEventOverhead + event.kv.key.size() + event.kv.value.view().size();
    if (!events.empty()) last = events.back().kv.mod_revision;
}

bool Chunk::touches(std::string_view begin, std::string_view end) const {
    auto first = std::ranges::lower_bound(
        by_key, begin, {}, [this](std::uint32_t i) { return std::string_view(events[i].kv.key); });
    return first != by_key.end() && events[*first].kv.key < end;
}

void Mailbox::close() {
    reader_ = nullptr;
    std::vector<Mail> dropped;
    std::lock_guard lock(mutex_);
    loop_ = nullptr;
    dropped.swap(mail_);
}

void Mailbox::send(Mail mail) {
    std::lock_guard lock(mutex_);
    if (!loop_) return;
    waiting_bytes_ += bytes_of(mail);
    mail_.push_back(std::move(mail));
    post_locked();
}

void Mailbox::send(std::vector<Mail> mail) {
    std::lock_guard lock(mutex_);
    if (!loop_) return;
    for (Mail& one : mail) {
        waiting_bytes_ += bytes_of(one);
        mail_.push_back(std::move(one));
    }
    post_locked();
}

std::size_t Mailbox::waiting_bytes() const {
    std::lock_guard lock(mutex_);
    return waiting_bytes_;
}

void Mailbox::post_locked() {
    if (std::exchange(posted_, true)) return;
    loop_->post([self = shared_from_this()] { self->deliver(); });
}

void Mailbox::deliver() {
    if (!reader_) return;
    std::vector<Mail> mail;
    {
        std::lock_guard lock(mutex_);
        mail.swap(mail_);
        waiting_bytes_ = 0;
        posted_ = false;
    }
    for (Mail& one : mail) {
        if (!reader_) return;  // closed by what it has read
        reader_->read(std::move(one));
    }
}

}  // namespace khronos::store::embedded
