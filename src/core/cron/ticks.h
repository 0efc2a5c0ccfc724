// The ticks of cron fields in a zone: local times laid over the zone's offset changes.
//
// In each stretch of constant offset the ticks are the chosen local times, less the copy of a
// repeated hour that the policy leaves out. At a change over a gap there is one tick when the
// policy runs it and any chosen local time is missing. next and prev walk the same stretches, so
// they see one set of ticks.
#pragma once

#include <cstdint>
#include <optional>

#include "core/cron/fields.h"
#include "core/zone/zone.h"

namespace khronos::cron {

// All in UTC seconds; the first tick at or after `from` and the last at or before it.
std::optional<std::int64_t> tick_at_or_after(const Fields& fields, const zone::Zone& zone,
                                             std::int64_t from);
std::optional<std::int64_t> tick_at_or_before(const Fields& fields, const zone::Zone& zone,
                                              std::int64_t from);

}  // namespace khronos::cron
