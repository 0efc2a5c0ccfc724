#include "layers/layers_rules.h"

namespace khronos::layers {
namespace {

constexpr Room kRooms[] = {
    {"base", 0},    {"core", 1},      {"runtime", 2},  {"store", 3},  {"wire", 3},
    {"cluster", 4}, {"scheduler", 4}, {"dispatch", 4}, {"worker", 4}, {"api", 5},
    {"cli", 5},     {"sim", 5},       {"app", 6},
};

constexpr Leaf kLeaves[] = {
    {"runtime/asio", "api/http,worker/linux,wire/grpc,store/etcd"},
    {"runtime/spdlog", ""},
    {"runtime/prometheus", ""},
    {"runtime/openssl", ""},
    {"store/memory", "sim"},  // no library in it, but a backend
    {"store/embedded", ""},
    {"store/etcd", ""},
    {"wire/grpc", ""},
    {"worker/linux", "runner"},
    {"worker/curl", ""},
    {"api/http", ""},
    {"cli/curl", ""},
    {"cli/yaml", ""},
    {"cli/toml", ""},
};

constexpr Library kLibraries[] = {
    {"fmt/", "*"},
    // The simulator's oracle of ticks is independent of core, so it asks the library itself.
    {"absl/time/", "core/,sim/"},
    {"boost/asio", "runtime/asio/,api/http/"},
    {"boost/beast", "runtime/asio/,api/http/"},
    {"boost/container/", "runtime/asio/,api/http/"},
    {"boost/system/", "runtime/asio/,api/,cli/"},
    {"boost/json", "api/,cli/"},
    {"boost/describe", "api/,cli/"},
    {"boost/mp11", "api/,cli/"},
    {"boost/url", "api/,cli/"},
    {"openssl/", "api/http/,runtime/openssl/,store/etcd/"},
    {"sqlite3.h", "store/embedded/"},
    {"curl/", "worker/curl/,cli/curl/"},
    {"re2/", "worker/curl/"},
    {"re2/", "worker/curl/"},
    {"spdlog/", "runtime/spdlog/"},
    {"prometheus/", "runtime/prometheus/"},
    {"CLI/", "app/"},
    {"toml++/", "app/config_toml,cli/toml/"},
    {"yaml-cpp/", "cli/yaml/"},
    {"google/protobuf/", "store/codec,wire/,store/etcd/"},
    {"khronos/store/v1/", "store/codec"},
    {"khronos/worker/v1/", "wire/"},
    {"etcd/", "store/etcd/"},
    {"grpc/", "store/etcd/,wire/grpc/"},
    {"grpcpp/", "store/etcd/,wire/grpc/"},
    {"gtest/", "test"},
    {"gmock/", "test"},
    {"rapidcheck", "test"},
    {"benchmark/", "test"},
    // The system's own C headers.
    {"arpa/", "leaf"},
    {"asm/", "leaf"},
    {"linux/", "leaf"},
    {"net/", "leaf"},
    {"netinet/", "leaf"},
    {"sys/", "leaf"},
    {"dirent.h", "leaf"},
    {"errno.h", "leaf"},
    {"fcntl.h", "leaf"},
    {"grp.h", "leaf"},
    {"limits.h", "leaf"},
    {"malloc.h", "leaf"},
    {"netdb.h", "leaf"},
    {"poll.h", "leaf"},
    {"pthread.h", "leaf"},
    {"pwd.h", "leaf"},
    {"sched.h", "leaf"},
    {"signal.h", "leaf"},
    {"spawn.h", "leaf"},
    {"stdint.h", "leaf"},
    {"stdio.h", "leaf"},
    {"stdlib.h", "leaf"},
    {"string.h", "leaf"},
    {"syslog.h", "leaf"},
    {"termios.h", "leaf"},
    {"time.h", "leaf"},
    {"unistd.h", "leaf"},
};

constexpr std::string_view kImpureHeaders[] = {
    "condition_variable", "coroutine",  "csignal", "filesystem", "fstream",   "future",
    "iostream",           "latch",      "mutex",   "random",     "semaphore", "barrier",
    "shared_mutex",       "stop_token", "thread",
};

constexpr std::string_view kClockWords[] = {
    R"(\bCLOCK_[A-Z]+)",
    R"(\b(clock_gettime|clock_nanosleep|gettimeofday|timespec_get|getrandom|getentropy|arc4random)\b)",
    R"(\b(system_clock|steady_clock|high_resolution_clock|utc_clock|random_device)\b)",
    R"(\b(sleep_for|sleep_until|usleep|nanosleep)\b)",
    // A free call of time(), not a member, a declaration or a word that ends in it.
    R"((^|[^\w.>:])(std::|::)?time\s*\(\s*(0|NULL|nullptr|&\s*\w+)\s*\))",
    R"((^|[^\w.>:])(std::|::)?s?rand\s*\()",
    R"(\babsl::(Now|GetCurrentTimeNanos|SleepFor)\b)",
    R"(\bRAND_(priv_)?bytes\b)",
    R"(/dev/u?random)",
};

}  // namespace

std::span<const Room> rooms() {
    return kRooms;
}
std::span<const Leaf> leaves() {
    return kLeaves;
}
std::span<const Library> libraries() {
    return kLibraries;
}
std::span<const std::string_view> impure_headers() {
    return kImpureHeaders;
}
std::span<const std::string_view> clock_words() {
    return kClockWords;
}
std::string_view clock_folders() {
    return "runtime/asio/,app/,worker/linux/,runner/";
}

}  // namespace khronos::layers
