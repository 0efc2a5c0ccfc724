// Which names a job can have: letters (of any script that has case), digits, `_`, `-` and `.`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace khronos::core {

// What is wrong with the name, in Dkron's words where it has some; nothing if it is right.
std::optional<std::string> fault_of_job_name(std::string_view name);

}  // namespace khronos::core
