// `khronos migrate` and `khronos verify`: what is done with a store and without an agent. Both find
// the stores by the options that an agent would.
#pragma once

#include <string>
#include <vector>

namespace khronos::app {

// `arguments`: what follows the command. The process's exit status: 0, 1 failed, 2 wrong usage.
int migrate_command(const std::vector<std::string>& arguments);
// 1 also where a promise is broken.
int verify_command(const std::vector<std::string>& arguments);

}  // namespace khronos::app
