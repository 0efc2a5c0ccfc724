// What gRPC needs once in a process.
#pragma once

#include <string>

namespace khronos::wire {

// Contents of PEM files.
struct LinkTls {
    std::string ca;    // who signs the other side's certificate
    std::string cert;  // our own; with key or not at all
    std::string key;
    bool operator==(const LinkTls&) const = default;
};

// Quietens its log and keeps its threads for the life of the process. Any number of times.
void set_up_grpc();

// gRPC's own limit of a frame: one message of the greatest size and the rest of its frame.
int frame_bytes_max();

}  // namespace khronos::wire
