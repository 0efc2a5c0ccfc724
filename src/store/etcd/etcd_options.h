// How to reach an etcd cluster, and which part of its keys is ours.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"

namespace khronos::store {

struct EtcdTls {
    std::string ca_file;    // who signed etcd's certificate; empty: the system's authorities
    std::string cert_file;  // our own, where etcd asks for one; with key_file or not at all
    std::string key_file;
    bool operator==(const EtcdTls&) const = default;
};

struct EtcdOptions {
    // HOST:PORT, or a URL of just scheme, host and port; https:// wants `tls`.
    std::vector<std::string> endpoints;
    std::string keyspace = "/khronos";  // every key lies under `<keyspace>/`
    std::string user;                   // empty: none
    std::string password;
    std::optional<EtcdTls> tls;
    // What the keyspace's meta record must say; empty: any cluster's will do.
    std::string cluster_id;

    Duration call_deadline = 1500ms;  // of a write, a read of one key, a lease
    Duration range_deadline = 5s;     // of one page
    Duration open_deadline = 10s;     // for the first contact
    Duration progress_interval = 1s;  // between two signs of life of the watches
    // History that is kept is once to twice this; 0: we never compact. Only where etcd holds no
    // keys but ours, as far as we can see, or `compact_shared` says that it may be done anyway:
    // a compaction is of the whole etcd.
    Duration compact_interval = 5min;
    bool compact_shared = false;
    std::size_t calls_in_flight = 256;  // more of them only wait inside etcd
    std::size_t calls_waiting = 65536;  // more of them are refused

    std::expected<void, Error> validate() const;
};

struct EtcdEndpoint {
    std::string address;  // host:port, an IPv6 host in brackets
    bool https = false;   // said to be
    bool operator==(const EtcdEndpoint&) const = default;
};
// The error is a sentence.
std::expected<EtcdEndpoint, std::string> parse_endpoint(std::string_view text);

}  // namespace khronos::store
