// That the judge sees: bugs are planted between the drivers and their store, and each has to be
// found within a bounded number of storms, by an invariant that means it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "sim/storm.h"

namespace khronos::sim {
namespace {

using Change = std::function<void(store::Txn&)>;

// A change that drops the compares for which `which` holds.
template <class Which>
Change without_compares(Which which) {
    return [which](store::Txn& txn) { std::erase_if(txn.compares, which); };
}
// The same for puts, and for erasures, of single keys.
template <class Which>
Change without_puts(Which which) {
    return [which](store::Txn& txn) {
        std::erase_if(txn.operations, [&](const store::Operation& operation) {
            const auto* put = std::get_if<store::Put>(&operation);
            return put && which(put->key);
        });
    };
}
Change without_erasures(std::string_view prefix) {
    return [prefix](store::Txn& txn) {
        std::erase_if(txn.operations, [&](const store::Operation& operation) {
            const auto* erase = std::get_if<store::Erase>(&operation);
            return erase && erase->key.starts_with(prefix);
        });
    };
}

bool compares(const store::Txn& txn, std::string_view prefix) {
    return std::any_of(txn.compares.begin(), txn.compares.end(),
                       [&](const store::Compare& c) { return c.key.starts_with(prefix); });
}

// Of the ticks that are due only the last one is decided, and the cursor moves past all.
void next_from_now(store::Txn& txn) {
    const auto is_decision = [](const store::Operation& operation) {
        const auto* put = std::get_if<store::Put>(&operation);
        return put && put->key.starts_with("executions/");
    };
    const bool fire =
        std::any_of(txn.operations.begin(), txn.operations.end(), [](const auto& operation) {
            const auto* put = std::get_if<store::Put>(&operation);
            return put && put->key.ends_with("/cursor");
        });
    auto decisions = std::count_if(txn.operations.begin(), txn.operations.end(), is_decision);
    if (fire)
        std::erase_if(txn.operations, [&](const store::Operation& operation) {
            return is_decision(operation) && decisions-- > 1;
        });
}

struct Planted {
    const char* bug;
    Tampering how;
    std::set<std::string> means;  // the invariants that may find it
};

std::vector<Planted> planted_bugs() {
    using store::Compare;
    return {
        {"an unknown outcome is sent again blindly",
         {nullptr, true},
         {"I1", "I2", "I3", "I5", "I8", "I12", "I13", "I15", "I16", "I17", "I19", "I22"}},
        {"a fire compares no job-set version",
         {without_compares([](const Compare& c) {
              return c.key.starts_with("shards/") && c.key.ends_with("/jobs");
          }),
          false},
         {"I1", "I5", "I15", "I21"}},
        {"a save compares no cursor",
         {[](store::Txn& txn) {
              if (compares(txn, "jobs/"))
                  std::erase_if(txn.compares,
                                [](const Compare& c) { return c.key.ends_with("/cursor"); });
          },
          false},
         {"I1", "I12", "I15"}},
        {"a save compares no job",
         {without_compares([](const Compare& c) {
              return c.key.starts_with("jobs/") && c.target == Compare::Target::mod_revision;
          }),
          false},
         {"I1", "I15", "I19"}},
        {"a claim compares no job",
         {without_compares([](const Compare& c) {
              return c.key.starts_with("jobs/") && c.target == Compare::Target::create_revision;
          }),
          false},
         {"I15", "I19"}},
        {"nothing compares the owner or the cursor",
         {without_compares([](const Compare& c) {
              return c.key.ends_with("/owner") || c.key.ends_with("/cursor");
          }),
          false},
         {"I1", "I2", "I5", "I8", "I12", "I13", "I15", "I16"}},
        {"next from now", {next_from_now, false}, {"I1", "I16"}},
        {"an end keeps its slot", {without_erasures("slots/"), false}, {"I16", "I17"}},
        {"an end stays open", {without_erasures("open/"), false}, {"I16"}},
        {"a decision keeps its trigger", {without_erasures("triggers/"), false}, {"I1", "I8", "I17"}},
        {"a fire takes no slot",
         {without_puts([](const std::string& key) { return key.starts_with("slots/"); }), false},
         {"I16"}},
        {"a run compares no idempotency key",
         {without_compares([](const Compare& c) { return c.key.starts_with("idempotency/"); }),
          false},
         {"I22"}},
    };
}

class PlantedBug : public testing::TestWithParam<std::size_t> {};

TEST_P(PlantedBug, IsFound) {
    const Planted planted = planted_bugs()[GetParam()];
    constexpr std::uint64_t kSeeds = 300;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        StormOptions options;
        options.seed = seed;
        options.tampering = planted.how;
        const StormResult result = Storm(std::move(options)).run();
        if (result.violations.empty()) continue;
        const Violation& first = result.violations.front();
        EXPECT_TRUE(planted.means.contains(first.invariant))
            << planted.bug << ": seed " << seed << " found " << first.invariant << ", "
            << first.text;
        RecordProperty("seeds", static_cast<int>(seed));
        RecordProperty("invariant", first.invariant);
        return;
    }
    FAIL() << planted.bug << ": not found by " << kSeeds << " storms";
}

std::string name_of(const testing::TestParamInfo<std::size_t>& info) {
    std::string name;
    bool upper = true;
    for (const char c : std::string(planted_bugs()[info.param].bug)) {
        const auto letter = static_cast<unsigned char>(c);
        if (std::isalnum(letter) != 0)
            name += upper ? static_cast<char>(std::toupper(letter)) : c;
        upper = std::isalnum(letter) == 0;
    }
    return name;
}
INSTANTIATE_TEST_SUITE_P(Each, PlantedBug, testing::Range<std::size_t>(0, planted_bugs().size()),
                         name_of);

}  // namespace
}  // namespace khronos::sim
