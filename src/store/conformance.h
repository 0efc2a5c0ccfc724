// The rules of store/store.h, one test each, for every backend. A backend's test program has one
// file that includes this and says
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreWrites, testing::Values(Factory{...}), factory_name);
//
// and so on for the five suites, by KHRONOS_STORE_CONFORMANCE(Memory, factory).
#pragma once

#include "store/conformance_leases.h"
#include "store/conformance_reads.h"
#include "store/conformance_together.h"
#include "store/conformance_watches.h"
#include "store/conformance_writes.h"

namespace khronos::store::conformance {

inline std::string factory_name(const testing::TestParamInfo<Factory>& info) {
    return info.param.name;
}

}  // namespace khronos::store::conformance

#define KHRONOS_STORE_CONFORMANCE(instance, factory)                                          \
    INSTANTIATE_TEST_SUITE_P(instance, StoreWrites, testing::Values(factory), factory_name);  \
    INSTANTIATE_TEST_SUITE_P(instance, StoreReads, testing::Values(factory), factory_name);   \
    INSTANTIATE_TEST_SUITE_P(instance, StoreWatches, testing::Values(factory), factory_name); \
    INSTANTIATE_TEST_SUITE_P(instance, StoreLeases, testing::Values(factory), factory_name);  \
    INSTANTIATE_TEST_SUITE_P(instance, StoreTogether, testing::Values(factory), factory_name)
