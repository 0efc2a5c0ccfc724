// A random run of operations has the same results on etcd, on the embedded store and on the
// reference backend: outcomes, reads and watch events, with revisions counted from the run's own.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <random>

#include "store/embedded/embedded_backend.h"
#include "store/embedded/embedded_store.h"
#include "store/embedded/temporary_directory_testing.h"
#include "store/etcd/testing/etcd_client.h"
#include "store/etcd/testing/etcd_cluster.h"
#include "store/memory/memory_backend.h"

namespace khronos::store::etcd {
namespace {

constexpr int kOperations = 600;

// A store under the run, and what is known of it. Revisions are remembered by the number of the
// operation that made them, so that runs on two stores can be compared.
class Subject {
  public:
    Subject(Store& store, std::function<void(const std::function<bool()>&)> turn)
        : store_(store), turn_(std::move(turn)) {}

    template <class Result, class Start>
    Result wait(Start start) {
        std::optional<Result> result;
        start([&result](Result r) { result = std::move(r); });
        turn_([&] { return result.has_value(); });
        return std::move(*result);
    }
    void turn(const std::function<bool()>& done) { turn_(done); }
    Store& store() { return store_; }

    // The revision that operation `number` made; 0 stands for none.
    Revision made_by(int number) const {
        const auto found = revisions_.find(number);
        return found == revisions_.end() ? Revision{} : found->second;
    }
    void note(int number, Revision revision) {
        if (numbers_.emplace(revision, number).second) revisions_[number] = revision;
    }
    // `#7` for the revision that operation 7 made.
    std::string name(Revision revision) const {
        if (!revision) return "none";
        const auto found = numbers_.find(revision);
        return found == numbers_.end() ? "unknown" : "#" + std::to_string(found->second);
    }
    std::string text(const KeyValue& kv) const {
        const auto lease = std::ranges::find(leases, kv.lease);
        return fmt::format("{}={} made {} changed {} lease {}", kv.key, kv.value.view(),
                           name(kv.create_revision), name(kv.mod_revision),
                           kv.lease ? std::to_string(lease - leases.begin()) : "none");
    }

    std::vector<LeaseId> leases;
    std::vector<std::string> events;
    WatchId watch;

  private:
    Store& store_;
    std::function<void(const std::function<bool()>&)> turn_;
    std::map<Revision, int> numbers_;
    std::map<int, Revision> revisions_;
};

// One operation of the run, the same for every subject: it draws from a generator of its own.
class Step {
  public:
    Step(int number, std::uint32_t seed) : number_(number), seed_(seed) {}

    // What was observed.
    std::string run(Subject& subject) {
        random_.seed(seed_);
        switch (below(10)) {
            case 0:
                return get(subject);
            case 1:
            case 2:
                return range(subject);
            case 3:
                return lease(subject);
            default:
                return write(subject);
        }
    }

  private:
    std::uint32_t below(std::uint32_t limit) { return random_() % limit; }
    std::string key() {
        static const char* kKeys[] = {"a", "a/b", "a/c", "b", "b/1", "b/2", "c", "\xc3\xa9", "d"};
        return kKeys[below(std::size(kKeys))];
    }

    std::string write(Subject& subject) {
        Txn txn;
        for (std::uint32_t i = below(3); i > 0; --i) {
            const auto target =
                below(2) ? Compare::Target::mod_revision : Compare::Target::create_revision;
            const int made = below(3) == 0 ? -1 : static_cast<int>(below(kOperations));
            txn.compares.push_back({key(), target, subject.made_by(made)});
        }
        // Now and then one that holds for sure.
        if (below(3) == 0) {
            const std::string one = key();
            const auto got = subject.wait<std::expected<GetResult, ReadError>>(
                [&](auto done) { subject.store().get(one, std::move(done)); });
            txn.compares.push_back(
                {one, Compare::Target::mod_revision, got->kv ? got->kv->mod_revision : Revision{}});
        }
        for (std::uint32_t i = below(4); i > 0; --i)
            txn.operations.push_back(operation(subject));
        const auto outcome = subject.wait<WriteOutcome>(
            [&](auto done) { subject.store().write(std::move(txn), std::move(done)); });
        if (auto* applied = std::get_if<Applied>(&outcome)) {
            subject.note(number_, applied->revision);
            return "applied " + subject.name(applied->revision);
        }
        if (auto* conflict = std::get_if<Conflict>(&outcome))
            return "conflict at " + subject.name(conflict->revision);
        if (auto* refused = std::get_if<Refused>(&outcome))
            return "refused " + std::to_string(static_cast<int>(refused->kind));
        return "unknown";
    }
    Operation operation(Subject& subject) {
        switch (below(6)) {
            case 0:
                return Erase{key()};
            case 1: {
                std::string begin = key();
                return EraseRange{begin, below(2) ? prefix_end(begin) : key()};
            }
            default: {
                LeaseId on;
                if (!subject.leases.empty() && below(4) == 0)
                    on = subject.leases[below(static_cast<std::uint32_t>(subject.leases.size()))];
                return Put{key(), std::to_string(number_), on};
            }
        }
    }

    std::string get(Subject& subject) {
        const auto got = subject.wait<std::expected<GetResult, ReadError>>(
            [&](auto done) { subject.store().get(key(), std::move(done)); });
        if (!got) return "error " + got.error().why;
        return (got->kv ? subject.text(*got->kv) : "absent") + " at " + subject.name(got->revision);
    }
    std::string range(Subject& subject) {
        RangeRequest request;
        request.begin = below(2) ? "" : key();
        request.end = below(2) ? "\xff" : key();
        request.limit = below(6);
        request.keys_only = below(4) == 0;
        request.descending = below(2) == 0;
        const auto got = subject.wait<std::expected<RangeResult, ReadError>>(
            [&](auto done) { subject.store().range(request, std::move(done)); });
        if (!got) return "error " + got.error().why;
        std::string all;
        for (const KeyValue& kv : got->kvs)
            all += subject.text(kv) + ", ";
        return all + (got->more ? "more" : "all") + " at " + subject.name(got->revision);
    }
    std::string lease(Subject& subject) {
        if (subject.leases.size() < 3 || below(3) == 0) {
            const auto id = subject.wait<std::expected<LeaseId, ReadError>>(
                [&](auto done) { subject.store().lease_grant(1h, std::move(done)); });
            subject.leases.push_back(id.value());
            return "granted";
        }
        const LeaseId id = subject.leases[below(static_cast<std::uint32_t>(subject.leases.size()))];
        const bool keep = below(3) == 0;
        const auto done = subject.wait<std::expected<void, ReadError>>([&](auto answered) {
            if (keep)
                subject.store().lease_keep_alive(id, std::move(answered));
            else
                subject.store().lease_revoke(id, std::move(answered));
        });
        if (!done) return "error " + std::to_string(static_cast<int>(done.error().kind));
        // A revoked lease's keys were erased at a revision of its own, perhaps.
        const auto now = subject.wait<std::expected<GetResult, ReadError>>(
            [&](auto answered) { subject.store().get("a", std::move(answered)); });
        subject.note(number_, now->revision);
        return keep ? "kept" : "revoked, " + subject.name(now->revision);
    }

    const int number_;
    const std::uint32_t seed_;
    std::mt19937 random_;
};

class EtcdRandom : public testing::TestWithParam<std::size_t> {
  protected:
    void SetUp() override { ::alarm(120); }
    void TearDown() override { ::alarm(0); }

    static void start(Subject& subject) {
        const auto begin = subject.wait<WriteOutcome>([&](auto done) {
            subject.store().write({{}, {Put{"start", "", {}}}}, std::move(done));
        });
        subject.note(0, std::get<Applied>(begin).revision);
        subject.watch =
            subject.store().watch("a", "z", subject.made_by(0), [&subject](WatchUpdate update) {
                ASSERT_TRUE(std::holds_alternative<WatchBatch>(update));
                std::vector<std::string> batch;
                Revision last;
                for (const WatchEvent& event : std::get<WatchBatch>(update).events) {
                    // Inside a revision the order is the backend's.
                    if (event.kv.mod_revision != last) settle(subject, batch);
                    last = event.kv.mod_revision;
                    batch.push_back((event.deleted ? "erased " : "") + event.kv.key + "=" +
                                    std::string(event.kv.value.view()));
                }
                settle(subject, batch);
            });
    }
    static void settle(Subject& subject, std::vector<std::string>& batch) {
        std::ranges::sort(batch);
        subject.events.insert(subject.events.end(), batch.begin(), batch.end());
        batch.clear();
    }
};

TEST_P(EtcdRandom, IsObservedToBeTheSameAsTheReference) {
    EtcdCluster cluster({.members = GetParam(), .fsync = false});
    EtcdOptions options;
    options.endpoints = cluster.endpoints();
    options.open_deadline = 20s;
    EtcdClient client(options);
    runtime::ManualLoop memory_loop;
    MemoryBackend memory(memory_loop);
    MemoryStore reference(memory, memory_loop);
    const embedded::TemporaryDirectory directory;
    runtime::ManualLoop embedded_loop;
    const auto embedded = EmbeddedBackend::open(directory.path(), {.reserve_bytes = 0}).value();
    EmbeddedStore local(*embedded, embedded_loop);

    Subject one(client.store(), [&](const auto& done) { client.loop().run_until(done); });
    Subject other(reference, [&](const auto& done) {
        memory_loop.run_until_idle();
        ASSERT_TRUE(done());
    });
    Subject third(local, [&](const auto& done) { embedded_loop.run_until(done); });
    start(one);
    start(other);
    start(third);
    const std::uint32_t seed = static_cast<std::uint32_t>(runtime::SystemEntropy().next());
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937 seeds(seed);
    std::map<std::string, int> seen;
    for (int number = 1; number < kOperations; ++number) {
        Step step(number, static_cast<std::uint32_t>(seeds()));
        const std::string got = step.run(one), expected = step.run(other);
        ASSERT_EQ(got, expected) << "operation " << number;
        ASSERT_EQ(step.run(third), expected) << "embedded, operation " << number;
        ++seen[got.substr(0, got.find(' '))];
    }
    for (Subject* subject : {&one, &other, &third}) {
        const auto last = subject->wait<WriteOutcome>([&](auto done) {
            subject->store().write({{}, {Put{"x", "last", {}}}}, std::move(done));
        });
        ASSERT_TRUE(std::holds_alternative<Applied>(last));
        subject->turn([&] {
            return !subject->events.empty() && subject->events.back().starts_with("x=last");
        });
    }
    EXPECT_EQ(one.events, other.events);
    EXPECT_EQ(third.events, other.events);
    for (const char* kind : {"applied", "conflict", "refused", "revoked,"})
        EXPECT_GE(seen[kind], 1) << "the run says little: " << kind;
}

INSTANTIATE_TEST_SUITE_P(Members, EtcdRandom, testing::Values(1, 3));

}  // namespace
}  // namespace khronos::store::etcd
