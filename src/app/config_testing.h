// A machine made up for the tests of the configuration.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "app/config_sources.h"

namespace khronos::app {

// Relative paths are below /home/ada.
inline Machine made_up_machine(std::map<std::string, std::string> files = {},
                               std::map<std::string, std::string> environment = {}) {
    Machine machine;
    machine.environment = std::move(environment);
    machine.environment.emplace("HOME", "/home/ada");
    machine.host_name = "node1";
    machine.working_dir = "/home/ada";
    machine.binary_dir = "/opt/khronos/bin";
    machine.read = [files = std::move(files)](
                       const std::string& path) -> std::expected<std::string, Machine::ReadError> {
        const auto found = files.find(path);
        if (found == files.end())
            return std::unexpected(Machine::ReadError{true, "No such file or directory"});
        if (found->second == "(denied)")
            return std::unexpected(Machine::ReadError{false, "Permission denied"});
        return found->second;
    };
    return machine;
}

}  // namespace khronos::app
