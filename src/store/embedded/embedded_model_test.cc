// Random transactions, reads, watches and leases, done alike to the memory backend and to the
// embedded one: every answer and every event must be the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "runtime/manual_loop.h"
#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/embedded/temporary_directory_testing.h"
#include "store/memory/memory_backend.h"

namespace khronos::store {
namespace {

// Everything a store has said, as text, in the order of the questions.
using Transcript = std::vector<std::string>;

std::string text(Revision revision) {
    return std::to_string(revision.value);
}
std::string text(const KeyValue& kv, const std::map<LeaseId, int>& leases) {
    int lease = kv.lease ? leases.at(kv.lease) : 0;
    return kv.key + "=" + std::string(kv.value.view()) + " c" + text(kv.create_revision) + " m" +
           text(kv.mod_revision) + " l" + std::to_string(lease);
}
std::string text(const WriteOutcome& outcome) {
    if (const Applied* applied = std::get_if<Applied>(&outcome))
        return "applied " + text(applied->revision);
    if (const Conflict* conflict = std::get_if<Conflict>(&outcome))
        return "conflict " + text(conflict->revision);
    if (const Refused* refused = std::get_if<Refused>(&outcome))
        return "refused " + std::to_string(static_cast<int>(refused->kind)) + refused->why;
    return "unknown";
}

// One backend with its own loop, asked one question at a time. Leases are named by the order in
// which they were granted, since their ids may differ.
class Subject {
  public:
    virtual ~Subject() = default;
    virtual void turn(const std::function<bool()>& done) = 0;
    virtual Store& store() = 0;
    virtual void compact(Revision revision) = 0;

    runtime::ManualLoop loop;
    Transcript answers;
    // Of each watch. Not its batches: how revisions are gathered in them is the backend's choice.
    std::vector<std::vector<WatchEvent>> events;
    std::vector<bool> lost;
    std::vector<WatchId> watches;
    std::vector<LeaseId> leases;
    std::map<LeaseId, int> lease_names;

    template <class Result, class Ask>
    Result ask(Ask ask_it) {
        std::optional<Result> result;
        ask_it([&result](Result r) { result = std::move(r); });
        turn([&] { return result.has_value(); });
        return *std::move(result);
    }
    Revision revision() {
        using Result = std::expected<GetResult, ReadError>;
        return ask<Result>([&](auto done) { store().get("", done); }).value().revision;
    }
};

class MemorySubject final : public Subject {
  public:
    void turn(const std::function<bool()>& done) override {
        loop.run_until_idle();
        ASSERT_TRUE(done());
    }
    Store& store() override { return store_; }
    void compact(Revision revision) override { backend_.compact(revision); }

  private:
    MemoryBackend backend_{loop};
    MemoryStore store_{backend_, loop};
};

class EmbeddedSubject final : public Subject {
  public:
    void turn(const std::function<bool()>& done) override { loop.run_until(done); }
    Store& store() override { return *store_; }
    void compact(Revision revision) override { backend_->compact(revision); }

  private:
    embedded::TemporaryDirectory directory_;
    std::unique_ptr<EmbeddedBackend> backend_ =
        EmbeddedBackend::open(directory_.path(), {.reserve_bytes = 0}).value();
    std::unique_ptr<EmbeddedStore> store_ = std::make_unique<EmbeddedStore>(*backend_, loop);
};

class Driver {
  public:
    explicit Driver(unsigned seed) : random_(seed) {}

    void step(std::vector<Subject*> subjects) {
        switch (below(14)) {
            case 0:
            case 1:
            case 2:
            case 3:
            case 4:
            case 5:
                return write(subjects);
            case 6:
                return get(subjects);
            case 7:
            case 8:
                return range(subjects);
            case 9:
                return watch(subjects);
            case 10:
                return unwatch(subjects);
            case 11:
                return grant(subjects);
            case 12:
                return end_or_keep(subjects);
            case 13:
                if (below(8) == 0) return compact(subjects);
                return pass_time(subjects);
        }
    }

    // Waits until all watches have been told everything.
    void settle(const std::vector<Subject*>& subjects) {
        Txn txn{{}, {Put{"zz", std::to_string(++settled_), {}}}};
        for (Subject* subject : subjects) {
            auto outcome =
                subject->ask<WriteOutcome>([&](auto done) { subject->store().write(txn, done); });
            Revision at = std::get<Applied>(outcome).revision;
            // One more watch than the driver knows of, which must see the last write of all.
            bool seen = false;
            WatchId id = subject->store().watch("zz", "zzz", Revision(at.value - 1),
                                                [&](WatchUpdate) { seen = true; });
            subject->turn([&] { return seen; });
            subject->store().unwatch(id);
        }
    }

  private:
    unsigned below(unsigned limit) { return std::uniform_int_distribution(0u, limit - 1)(random_); }
    std::string key() {
        static const char* const kKeys[] = {"a", "a/1", "a/2", "b", "b/1", "c", "d", "e\xc3\xa9"};
        return kKeys[below(8)];
    }

    void write(const std::vector<Subject*>& subjects) {
        Txn txn;
        Revision now = subjects[0]->revision();
        for (unsigned i = below(3); i > 0; --i) {
            auto target =
                below(2) ? Compare::Target::create_revision : Compare::Target::mod_revision;
            Revision equals;
            auto kv = subjects[0]
                          ->ask<std::expected<GetResult, ReadError>>([&](auto done) {
                              txn.compares.push_back({key(), target, {}});
                              subjects[0]->store().get(txn.compares.back().key, done);
                          })
                          .value()
                          .kv;
            if (kv) equals = below(2) ? kv->mod_revision : kv->create_revision;
            if (below(5) == 0) equals = Revision(below(static_cast<unsigned>(now.value) + 2));
            txn.compares.back().equals = equals;
        }
        // The index of each put's lease; -1: none. -2: one that never was.
        std::vector<int> leases;
        for (unsigned i = 1 + below(3); i > 0; --i) {
            leases.push_back(-1);
            switch (below(6)) {
                case 0:
                    txn.operations.push_back(Erase{key()});
                    break;
                case 1: {
                    std::string begin = key();
                    txn.operations.push_back(
                        EraseRange{begin, below(2) ? prefix_end(begin + "/") : key()});
                    break;
                }
                default:
                    txn.operations.push_back(
                        Put{key(), std::string(below(40), static_cast<char>('a' + below(26))), {}});
                    if (below(4) == 0 && !subjects[0]->leases.empty())
                        leases.back() = static_cast<int>(
                            below(static_cast<unsigned>(subjects[0]->leases.size())));
            }
        }
        for (Subject* subject : subjects) {
            Txn mine = txn;
            for (std::size_t i = 0; i < leases.size(); ++i)
                if (leases[i] >= 0)
                    std::get<Put>(mine.operations[i]).lease =
                        subject->leases[static_cast<std::size_t>(leases[i])];
            WriteOutcome outcome =
                subject->ask<WriteOutcome>([&](auto done) { subject->store().write(mine, done); });
            // The reason names the lease's id, which differs.
            const Refused* refused = std::get_if<Refused>(&outcome);
            bool no_lease = refused && refused->kind == RefusedKind::no_lease;
            subject->answers.push_back("write " + (no_lease ? "no lease" : text(outcome)));
        }
    }

    void get(const std::vector<Subject*>& subjects) {
        std::string which = key();
        for (Subject* subject : subjects) {
            using Result = std::expected<GetResult, ReadError>;
            auto got =
                subject->ask<Result>([&](auto done) { subject->store().get(which, done); }).value();
            subject->answers.push_back(
                "get @" + text(got.revision) + " " +
                (got.kv ? text(*got.kv, subject->lease_names) : std::string("absent")));
        }
    }

    void range(const std::vector<Subject*>& subjects) {
        RangeRequest request{.begin = key(),
                             .end = key(),
                             .limit = 1 + below(5),
                             .keys_only = below(2) == 0,
                             .descending = below(2) == 0};
        for (Subject* subject : subjects) {
            using Result = std::expected<RangeResult, ReadError>;
            auto got =
                subject->ask<Result>([&](auto done) { subject->store().range(request, done); })
                    .value();
            std::string answer = "range @" + text(got.revision) + (got.more ? " more" : "");
            for (const KeyValue& kv : got.kvs)
                answer += ", " + text(kv, subject->lease_names);
            subject->answers.push_back(answer);
        }
    }

    void watch(const std::vector<Subject*>& subjects) {
        if (subjects[0]->watches.size() >= 40) return;
        std::string begin = key(), end = below(2) ? "z" : key();
        auto now = static_cast<unsigned>(subjects[0]->revision().value);
        unsigned back = std::min(now, below(12));
        for (Subject* subject : subjects) {
            std::size_t index = subject->events.size();
            subject->events.emplace_back();
            subject->lost.push_back(false);
            subject->watches.push_back(subject->store().watch(
                begin, end, Revision(now - back), [subject, index](WatchUpdate update) {
                    if (const WatchBatch* batch = std::get_if<WatchBatch>(&update))
                        for (const WatchEvent& event : batch->events)
                            subject->events[index].push_back(event);
                    else
                        subject->lost[index] = true;
                }));
        }
    }

    void unwatch(const std::vector<Subject*>& subjects) {
        if (subjects[0]->watches.empty()) return;
        // Events on their way are dropped: only what has settled can be compared.
        settle(subjects);
        unsigned which = below(static_cast<unsigned>(subjects[0]->watches.size()));
        for (Subject* subject : subjects)
            subject->store().unwatch(subject->watches[which]);
    }

    void grant(const std::vector<Subject*>& subjects) {
        Duration ttl = 1s * (1 + below(20));
        for (Subject* subject : subjects) {
            using Result = std::expected<LeaseId, ReadError>;
            LeaseId id =
                subject->ask<Result>([&](auto done) { subject->store().lease_grant(ttl, done); })
                    .value();
            subject->leases.push_back(id);
            subject->lease_names[id] = static_cast<int>(subject->leases.size());
        }
    }

    void end_or_keep(const std::vector<Subject*>& subjects) {
        if (subjects[0]->leases.empty()) return;
        unsigned which = below(static_cast<unsigned>(subjects[0]->leases.size()));
        bool end = below(3) == 0;
        for (Subject* subject : subjects) {
            LeaseId id = subject->leases[which];
            auto result = subject->ask<std::expected<void, ReadError>>([&](auto done) {
                if (end)
                    subject->store().lease_revoke(id, done);
                else
                    subject->store().lease_keep_alive(id, done);
            });
            subject->answers.push_back(std::string(end ? "revoke " : "keep ") +
                                       (result ? "done" : "gone"));
        }
    }

    void pass_time(const std::vector<Subject*>& subjects) {
        // Second by second, and each time to the end: leases that end in one step of time may end
        // in any order.
        for (unsigned seconds = below(4); seconds > 0; --seconds) {
            for (Subject* subject : subjects) {
                subject->loop.advance(1s);
                subject->revision();
                // Ends travel behind the first answer where the writer is a thread of its own.
                subject->ask<std::expected<void, ReadError>>([&](auto done) {
                    subject->store().lease_keep_alive(LeaseId(987654321), done);
                });
            }
        }
    }

    void compact(const std::vector<Subject*>& subjects) {
        settle(subjects);
        Revision now = subjects[0]->revision();
        for (Subject* subject : subjects)
            subject->compact(Revision(now.value - std::min<std::uint64_t>(now.value, 3)));
    }

    std::mt19937 random_;
    int settled_ = 0;
};

class EmbeddedModel : public testing::TestWithParam<unsigned> {
    void SetUp() override { ::alarm(120); }
    void TearDown() override { ::alarm(0); }
};

TEST_P(EmbeddedModel, AnswersAndEventsAreThoseOfTheMemoryBackend) {
    MemorySubject memory;
    EmbeddedSubject embedded;
    Driver driver(GetParam());
    for (int i = 0; i < 400; ++i) {
        driver.step({&memory, &embedded});
        ASSERT_EQ(memory.answers, embedded.answers) << "step " << i;
        memory.answers.clear();
        embedded.answers.clear();
    }
    driver.settle({&memory, &embedded});
    EXPECT_EQ(memory.lost, embedded.lost);
    ASSERT_EQ(memory.events.size(), embedded.events.size());
    std::size_t total = 0;
    for (std::size_t i = 0; i < memory.events.size(); ++i) {
        ASSERT_EQ(memory.events[i].size(), embedded.events[i].size()) << "watch " << i;
        for (std::size_t k = 0; k < memory.events[i].size(); ++k) {
            const WatchEvent &ours = memory.events[i][k], &theirs = embedded.events[i][k];
            EXPECT_EQ(ours.deleted, theirs.deleted);
            EXPECT_EQ(text(ours.kv, memory.lease_names), text(theirs.kv, embedded.lease_names));
        }
        total += memory.events[i].size();
    }
    EXPECT_GT(total, 100u) << "the test has lost its grip";
}

INSTANTIATE_TEST_SUITE_P(Seeds, EmbeddedModel, testing::Range(1u, 9u));

}  // namespace
}  // namespace khronos::store
