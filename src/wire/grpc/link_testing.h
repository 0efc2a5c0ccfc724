// A server and workers' links on loopback, all on one loop that the test turns by hand: only the
// network moves by itself.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/manual_loop.h"
#include "wire/grpc/agent_link.h"
#include "wire/grpc/worker_server.h"

namespace khronos::wire {

class CountingEntropy final : public runtime::Entropy {
  public:
    std::uint64_t next() override { return value_ += 7919; }

  private:
    std::uint64_t value_ = 0;
};

// What happened at the agent's side, in words.
struct TestServer {
    explicit TestServer(runtime::ManualLoop& loop, WorkerServerConfig config = {})
        : server(with_ip(std::move(config)), loop, log) {
        const auto started = server.start();
        EXPECT_TRUE(started) << (started ? "" : started.error().message);
    }
    void begin() {
        server.set_handler({[this](const core::WorkerId& worker, core::FromWorker message) {
                                heard.emplace_back(worker, std::move(message));
                            },
                            [this](const core::WorkerId& worker) { gone.push_back(worker); }});
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(server.port()); }
    static WorkerServerConfig with_ip(WorkerServerConfig config) {
        config.ip = "127.0.0.1";
        return config;
    }

    runtime::NoLog log;
    std::vector<std::pair<core::WorkerId, core::FromWorker>> heard;
    std::vector<core::WorkerId> gone;
    WorkerServer server;
};

// A worker that says hello by itself.
struct TestWorker {
    TestWorker(runtime::ManualLoop& loop, AgentLinkConfig config, std::string id = "w",
               std::string boot = "boot-1")
        : link(std::move(config), loop, entropy, log,
               [this](std::vector<std::string> all) { agents.push_back(std::move(all)); }) {
        WorkerEnd::Handler handler;
        handler.on_connected = [this, id, boot] {
            ++connected;
            if (!says_hello) return;
            core::Hello hello;
            hello.worker = id;
            hello.boot_id = boot;
            link.send(std::move(hello));
        };
        handler.on_message = [this](core::ToWorker m) { heard.push_back(std::move(m)); };
        handler.on_gone = [this] { ++gone; };
        handler.on_read_output = [this](const OutputQuery& query, OutputAnswer done) {
            asked.push_back(query);
            answers.push_back(std::move(done));
        };
        link.set_handler(std::move(handler));
    }

    runtime::NoLog log;
    CountingEntropy entropy;
    bool says_hello = true;
    int connected = 0;
    int gone = 0;
    std::vector<core::ToWorker> heard;
    std::vector<std::vector<std::string>> agents;
    std::vector<OutputQuery> asked;
    std::vector<OutputAnswer> answers;
    AgentLink link;
};

inline AgentLinkConfig link_to(const std::string& address, std::string token = {}) {
    AgentLinkConfig config;
    config.address = address;
    config.join_token = std::move(token);
    return config;
}

}  // namespace khronos::wire
