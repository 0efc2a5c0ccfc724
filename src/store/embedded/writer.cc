#include "store/embedded/writer.h"

#include <iterator>

namespace khronos::store::embedded {
namespace {

// Answers, gathered so that each handle's loop is woken once for a commit.
class Answers {
  public:
    void add(const ChangeJob& job, ChangeResult result) {
        Reply reply{job.request,
                    std::visit([](auto&& one) -> decltype(Reply::result) { return std::move(one); },
                               std::move(result))};
        box(job.from).push_back(std::move(reply));
    }
    void send() {
        for (auto& [to, mail] : boxes_)
            to->send(std::move(mail));
    }

  private:
    std::vector<Mail>& box(const std::shared_ptr<Mailbox>& to) {
        for (auto& [known, mail] : boxes_)
            if (known == to) return mail;
        return boxes_.emplace_back(to, std::vector<Mail>()).second;
    }
    std::vector<std::pair<std::shared_ptr<Mailbox>, std::vector<Mail>>> boxes_;
};

ChangeResult refusal_of(const Change& change, const std::string& why) {
    if (std::holds_alternative<Txn>(change)) return WriteOutcome(Refused{RefusedKind::closed, why});
    ReadError error{RefusedKind::closed, why};
    if (std::holds_alternative<GrantLease>(change))
        return std::expected<LeaseId, ReadError>(std::unexpected(error));
    if (std::holds_alternative<CheckLeases>(change)) return LeasesChecked{};
    return std::expected<void, ReadError>(std::unexpected(error));
}

}  // namespace

Writer::Writer(Limits limits, std::unique_ptr<Connection> connection,
               std::unique_ptr<Committer> committer, WatchHub& hub, Checkpointer& checkpointer,
               Health& health)
    : limits_(limits),
      connection_(std::move(connection)),
      committer_(std::move(committer)),
      hub_(hub),
      checkpointer_(checkpointer),
      health_(health),
      thread_([this] { run(); }) {}

Writer::~Writer() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

bool Writer::enqueue(ChangeJob job) {
    {
        std::lock_guard lock(mutex_);
        if (waiting_.size() >= limits_.waiting_changes ||
            waiting_bytes_ + job.bytes > limits_.waiting_bytes)
            return false;
        waiting_bytes_ += job.bytes;
        waiting_.push_back(std::move(job));
    }
    wake_.notify_one();
    return true;
}

void Writer::run() {
    become_background_thread("store-writer");
    while (true) {
        std::vector<ChangeJob> jobs = take();
        if (jobs.empty()) return;
        if (auto why = health_.broken()) {
            refuse(jobs, *why);
            continue;
        }
        carry_out(std::move(jobs));
    }
}

std::vector<ChangeJob> Writer::take() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return !waiting_.empty() || stopping_; });
    std::size_t count = 0, bytes = 0;
    while (count < waiting_.size() && count < limits_.commit_changes &&
           (count == 0 || bytes + waiting_[count].bytes <= limits_.commit_bytes))
        bytes += waiting_[count++].bytes;
    std::vector<ChangeJob> jobs;
    waiting_bytes_ -= bytes;
    if (count == waiting_.size()) {
        jobs.swap(waiting_);
        return jobs;
    }
    auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    std::move(waiting_.begin(), end, std::back_inserter(jobs));
    waiting_.erase(waiting_.begin(), end);
    return jobs;
}

void Writer::carry_out(std::vector<ChangeJob> jobs) {
    std::vector<const Change*> changes;
    changes.reserve(jobs.size());
    std::uint64_t transactions = 0;
    for (const ChangeJob& job : jobs) {
        changes.push_back(&job.change);
        if (std::holds_alternative<Txn>(job.change)) ++transactions;
    }
    Committer::Batch batch;
    try {
        batch = committer_->commit(changes);
    } catch (const SqlError& error) {
        if (error.io()) health_.die(error);
        // Rolled back: nothing of this batch is applied.
        health_.set_broken(error);
        refuse(jobs, health_.broken().value_or(""));
        return;
    }
    transactions_ += transactions;
    commits_ += static_cast<std::uint64_t>(batch.commits);
    if (batch.no_space || committer_->full())
        health_.set_no_space(true);
    else if (!batch.events.empty())
        health_.set_no_space(false);
    // Events first: a handle that watches what it writes sees its own event before the answer.
    hub_.publish(std::move(batch.events));
    Answers answers;
    for (std::size_t i = 0; i < jobs.size(); ++i)
        answers.add(jobs[i], std::move(batch.results[i]));
    answers.send();
    try {
        checkpointer_.committed(*connection_);
    } catch (const SqlError& error) {
        if (error.damaged())
            health_.set_broken(error);
        else if (!error.no_space())
            health_.die(error);
    }
}

void Writer::refuse(const std::vector<ChangeJob>& jobs, const std::string& why) {
    Answers answers;
    for (const ChangeJob& job : jobs)
        answers.add(job, refusal_of(job.change, why));
    answers.send();
}

}  // namespace khronos::store::embedded
