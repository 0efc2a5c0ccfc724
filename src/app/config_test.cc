#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace khronos::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

AgentConfig right() {
    AgentConfig config;
    config.bind_ip = "127.0.0.1";
    config.http_port = 10001;
    config.worker_port = 10005;
    return config;
}

std::string option_of(const AgentConfig& config) {
    const auto found = validate(config);
    return found.size() == 1 ? found[0].option : std::to_string(found.size()) + " found";
}

TEST(ConfigBinding, LoopbackIsOneTwentySevenAndTheSixthOne) {
    for (const char* ip : {"127.0.0.1", "127.255.255.254", "::1", "0:0:0:0:0:0:0:1"})
        EXPECT_TRUE(is_loopback(ip)) << ip;
    for (const char* ip :
         {"0.0.0.0", "128.0.0.1", "10.0.0.1", "::", "::2", "::ffff:127.0.0.1", "localhost", ""})
        EXPECT_FALSE(is_loopback(ip)) << ip;
}

TEST(ConfigBinding, AnotherAddressThanLoopbackIsRefused) {
    AgentConfig config = right();
    EXPECT_THAT(validate(config), IsEmpty());
    for (const char* ip : {"0.0.0.0", "10.0.0.1", "::"}) {
        config.bind_ip = ip;
        EXPECT_EQ(option_of(config), "bind-ip") << ip;
    }
    EXPECT_THAT(validate(config)[0].message, HasSubstr("type --insecure"));
}

TEST(ConfigBinding, InEveryEnvironment) {
    AgentConfig config = right();
    config.bind_ip = "0.0.0.0";
    for (const Env env : {Env::local, Env::dev, Env::sit, Env::prod}) {
        config.env = env;
        EXPECT_EQ(option_of(config), "bind-ip");
    }
}

TEST(ConfigBinding, InsecureAllowsIt) {
    AgentConfig config = right();
    config.bind_ip = "0.0.0.0";
    config.insecure = true;
    EXPECT_THAT(validate(config), IsEmpty());
}

TEST(ConfigBinding, TheTwoPortsDiffer) {
    AgentConfig config = right();
    config.worker_port = config.http_port;
    EXPECT_EQ(option_of(config), "rpc-port");
    config.worker_port = config.http_port = 0;  // any two free ones
    EXPECT_THAT(validate(config), IsEmpty());
}

TEST(ConfigBackend, EtcdNeedsAMachine) {
    AgentConfig config = right();
    config.backend = Backend::etcd;
    EXPECT_EQ(option_of(config), "backend-machine");
    config.backend_machines = {{"10.0.0.1", 2379}};
    EXPECT_THAT(validate(config), IsEmpty());
}

TEST(ConfigBackend, MachinesBelongToEtcd) {
    AgentConfig config = right();
    config.backend_machines = {{"10.0.0.1", 2379}};
    EXPECT_EQ(option_of(config), "backend-machine");
}

}  // namespace
}  // namespace khronos::app
