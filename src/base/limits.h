// Every maximum of the system, in one place. Each is tested at the limit and past it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace khronos::limits {

// Text of users.
inline constexpr std::size_t kScheduleBytes = 256;
inline constexpr std::size_t kCronTermsPerField = 64;
inline constexpr std::size_t kJobNameBytes = 128;
inline constexpr std::size_t kJobDocumentBytes = 256 * 1024;
inline constexpr std::size_t kJsonDepth = 32;
inline constexpr std::size_t kHttpBodyBytes = 1 << 20;
inline constexpr std::size_t kHttpHeaderBytes = 16 * 1024;

// Readers of the event stream on one agent, and of outputs as they come.
inline constexpr std::size_t kEventReaders = 1000;
inline constexpr std::size_t kOutputFollowers = 200;

// One transaction: etcd's defaults are 128 operations and 1.5 MiB.
inline constexpr std::size_t kTxnOperations = 128;
inline constexpr std::size_t kTxnBytes = 1 << 20;
inline constexpr std::size_t kFireExecutions = 60;
inline constexpr std::size_t kHeartbeatsInTxn = 100;

// Missed ticks are counted one by one up to here; a longer range says "at least".
inline constexpr std::uint32_t kCountedRange = 100000;
inline constexpr std::uint32_t kMisfireLimitMax = 10000;

// Kept of a run's output: in the record, and in all.
inline constexpr std::size_t kOutputTailInRecord = 4 * 1024;
inline constexpr std::size_t kOutputHead = 64 * 1024;
inline constexpr std::size_t kOutputTail = 256 * 1000;

// An attempt that cannot be reached is given up so long after its guard. A worker has to have
// killed the run by then: its lag at the deadline and the kill together stay below.
inline constexpr Duration kLostMargin = std::chrono::seconds(5);
inline constexpr Duration kGuardKill = std::chrono::seconds(2);
static_assert(kGuardKill < kLostMargin);

inline constexpr std::uint32_t kRetriesMax = 1000;
inline constexpr std::uint32_t kMaxConcurrencyMax = 10000;
inline constexpr std::uint32_t kHistoryLimitMax = 10000;

// Between agents and workers. A stream that has more than this waiting to be sent is cut: it comes
// back with a hello, and both sides know again what the other has.
inline constexpr std::size_t kIdBytes = 128;
inline constexpr std::size_t kWireMessageBytes = 16 << 20;
inline constexpr std::size_t kWireFrameBytes = 256 << 10;  // more messages go into the next frame
inline constexpr std::size_t kWireQueueBytes = 64 << 20;
inline constexpr std::size_t kWireStreams = 10000;  // of one agent
inline constexpr std::size_t kAgentsTold = 1000;
inline constexpr std::size_t kSecretBytesMin = 16;

}  // namespace khronos::limits
