#include "wire/grpc/grpc_setup.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/limits.h"
#include "khronos/worker/v1/worker.grpc.pb.h"

namespace khronos::wire {
namespace {

namespace pb = khronos::worker::v1;

// Every refused connection would be a line on standard error, in a format of its own. What matters
// comes back as a status; only last words are let through, and all where somebody asks.
void quieten_log() {
    if (std::getenv("GRPC_VERBOSITY") || std::getenv("GRPC_TRACE")) return;
    gpr_set_log_function([](gpr_log_func_args* line) {
        if (std::string_view(line->message).find("assertion failed") != std::string_view::npos)
            std::fprintf(stderr, "gRPC: %s:%d: %s\n", line->file, line->line, line->message);
    });
}

// A call that is cancelled before it begins.
class NoCall final : public grpc::ClientBidiReactor<pb::WorkerFrame, pb::AgentFrame> {
  public:
    explicit NoCall(pb::Workers::Stub& stub) {
        context_.TryCancel();
        stub.async()->Connect(&context_, this);
        StartCall();
    }
    void OnDone(const grpc::Status&) override {}

  private:
    grpc::ClientContext context_;
};

// gRPC 1.51 keeps one queue, with threads, for the callbacks of all channels, tears it down with
// the last channel, and sometimes aborts when one is made again right after. A channel that goes
// nowhere, but has used the queue, is kept for ever.
struct Pin {
    std::shared_ptr<grpc::Channel> channel =
        grpc::CreateChannel("unix:/nowhere", grpc::InsecureChannelCredentials());
    pb::Workers::Stub stub{channel};
    NoCall call{stub};
};

}  // namespace

void set_up_grpc() {
    [[maybe_unused]] static Pin* const pin = [] {
        quieten_log();
        return new Pin;
    }();
}

int frame_bytes_max() {
    return static_cast<int>(limits::kWireMessageBytes + limits::kWireFrameBytes + 1024);
}

}  // namespace khronos::wire
