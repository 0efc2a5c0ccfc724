#include "store/settle.h"

#include <gtest/gtest.h>

#include <deque>

#include "runtime/manual_loop.h"
#include "store/memory/memory_backend.h"

namespace khronos::store {
namespace {

using Fate = RequestFault::Fate;

// Gives the writes their fates one after the other; then none.
struct Fates final : FaultPlan {
    std::deque<RequestFault> writes;
    int sent = 0;
    RequestFault on_request(const RequestInfo& info) override {
        if (info.kind != RequestKind::write) return {};
        ++sent;
        if (writes.empty()) return {};
        const RequestFault fault = writes.front();
        writes.pop_front();
        return fault;
    }
};

struct Settle : testing::Test {
    runtime::ManualLoop loop;
    MemoryBackend backend{loop};
    Fates fates;
    MemoryStore store{backend, loop};
    std::optional<WriteOutcome> outcome;

    Settle() { backend.set_faults(&fates); }
    // Puts `value` if the key is absent; mine is recognised by the value.
    void put(const std::string& value, bool persist = false) {
        SettleRequest request;
        request.txn = {{{"k", Compare::Target::mod_revision, Revision(0)}}, {Put{"k", value, {}}}};
        request.probe = "k";
        request.is_mine = [value](const KeyValue& kv) { return kv.value.view() == value; };
        request.persist = persist;
        settle(store, loop, std::move(request), [this](WriteOutcome o) { outcome = std::move(o); });
    }
    std::string value() {
        std::string text = "absent";
        store.get("k", [&](auto result) {
            if (result && result->kv) text = std::string(result->kv->value.view());
        });
        loop.run_until_idle();
        return text;
    }
};

TEST_F(Settle, AnAnsweredWriteIsAnswered) {
    put("a");
    loop.advance(1s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Applied>(*outcome));
    EXPECT_EQ(fates.sent, 1);
}

TEST_F(Settle, AWriteWhoseAnswerWasLostIsFoundAndNotRepeated) {
    fates.writes = {{Fate::lose_answer, 0us, 0us}};
    put("a");
    loop.advance(10s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Applied>(*outcome));
    EXPECT_EQ(fates.sent, 1);
    EXPECT_EQ(value(), "a");
}

TEST_F(Settle, AWriteThatWasLostIsSentAgain) {
    fates.writes = {{Fate::lose_request, 0us, 0us}, {Fate::lose_request, 0us, 0us}};
    put("a");
    loop.advance(10s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Applied>(*outcome));
    EXPECT_EQ(fates.sent, 3);
}

// The first sending is on its way while we look and send again: one of the two is applied, the
// other fails its compare, and we say "applied" either way.
TEST_F(Settle, AWriteThatArrivesLateIsStillOurs) {
    fates.writes = {{Fate::lose_answer, 500ms, 0us}, {Fate::carry_out, 2s, 0us}};
    put("a");
    loop.advance(20s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Applied>(*outcome));
    EXPECT_EQ(value(), "a");
}

TEST_F(Settle, SomebodyElsesValueAfterAnUnknownOutcomeIsAConflict) {
    fates.writes = {{Fate::lose_request, 0us, 0us}};
    put("mine");
    loop.run_until_idle();
    store.write({{}, {Put{"k", "theirs", {}}}}, [](WriteOutcome) {});
    loop.advance(10s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Conflict>(*outcome));
    EXPECT_EQ(value(), "theirs");
}

TEST_F(Settle, ARefusalIsTheOutcomeUnlessOnePersists) {
    fates.writes = {{Fate::refuse, 0us, 0us}};
    put("a");
    loop.advance(10s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Refused>(*outcome));
    EXPECT_EQ(value(), "absent");

    outcome.reset();
    fates.writes = {{Fate::refuse, 0us, 0us}, {Fate::refuse, 0us, 0us}};
    put("b", true);
    loop.advance(20s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Applied>(*outcome));
}

// A refused second sending says nothing about the first, whose outcome was unknown.
TEST_F(Settle, ARefusalAfterAnUnknownOutcomeIsNotTheLastWord) {
    fates.writes = {{Fate::lose_request, 0us, 0us}, {Fate::refuse, 0us, 0us}};
    put("a");
    loop.advance(20s);
    ASSERT_TRUE(outcome);
    EXPECT_TRUE(std::holds_alternative<Applied>(*outcome));
    EXPECT_EQ(value(), "a");
}

}  // namespace
}  // namespace khronos::store
