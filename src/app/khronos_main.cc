// `khronos`: which command was meant.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/agent_command.h"
#include "app/client_command.h"
#include "app/config_command.h"
#include "app/store_command.h"
#include "app/worker_command.h"

int main(int argc, char** argv) {
    using namespace khronos::app;
    const std::vector<std::string> words(argv + 1, argv + argc);
    const std::string_view command = words.empty() ? std::string_view() : words[0];
    const std::vector<std::string> rest(words.begin() + (words.empty() ? 0 : 1), words.end());
    if (command == "agent") return agent_command(rest);
    if (command == "worker") return worker_command(rest);
    if (command == "migrate") return migrate_command(rest);
    if (command == "verify") return verify_command(rest);
    if (command == "config") {
        const Leave leave = config_command(rest, this_machine());
        std::fputs(leave.out.c_str(), stdout);
        std::fputs(leave.err.c_str(), stderr);
        return leave.status;
    }
    return client_command(words);
}
