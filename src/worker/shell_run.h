// What the shell executor makes of a job: Dkron's keys in, a process out. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/model/messages.h"
#include "worker/process_host.h"

namespace khronos::worker {

// Keys of executor_config: `command` (needed), `shell`, `env` (`K=v,K2=v2`), `cwd`, `timeout` (the
// job's own wins), `mem_limit` (`512MB`), `su` (the job's run_as wins), `payload` (base64, becomes
// standard input). The error names the key.
std::expected<ProcessSpec, Error> shell_process(const core::RunSpec& spec, FenceToken token,
                                                const std::string& node, MonoTime deadline,
                                                Now now);

// Splits like a POSIX shell does before it expands anything: blanks separate, '...' keeps all,
// "..." keeps all but \" \\ \$ \` and \newline, a backslash elsewhere quotes the next character.
std::expected<std::vector<std::string>, std::string> split_words(std::string_view text);

// Bytes; `512MB`, `1g`, `100` (bytes); a kilobyte is 1024 bytes. Not zero.
std::expected<std::uint64_t, std::string> parse_size(std::string_view text);

// Standard alphabet, padding optional, white space between is skipped.
std::expected<std::string, std::string> decode_base64(std::string_view text);

// The spellings of Go's strconv.ParseBool.
std::expected<bool, std::string> parse_bool(std::string_view text);

}  // namespace khronos::worker
