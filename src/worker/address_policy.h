// Which network addresses http jobs may reach. Asked about the very address that is about to be
// connected to, for every connection and every redirect, so that neither a name that resolves
// anew nor an unusual spelling of a URL gets around it. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace khronos::worker {

// An IPv4 address is kept as ::ffff:a.b.c.d.
using Address = std::array<std::uint8_t, 16>;

Address address_v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d);
// `10.1.2.3` or `fe80::1`, nothing else: the usual spelling, no zone.
std::optional<Address> parse_address(std::string_view text);
std::string to_text(const Address& address);

class AddressPolicy {
  public:
    // Only public addresses: no loopback, private, link-local, cloud metadata, multicast or
    // otherwise special ones, also not inside IPv6 transition addresses.
    AddressPolicy() = default;
    static AddressPolicy allow_all();
    // Public addresses and these networks, such as `10.0.0.0/8`. The error names the wrong one.
    static std::expected<AddressPolicy, std::string> with_networks(
        std::span<const std::string> networks);

    // Why this address may not be reached; nullopt: it may.
    std::optional<std::string> refuse(const Address& address) const;

  private:
    struct Network {
        Address base{};
        int bits = 0;
    };
    bool all_ = false;
    std::vector<Network> allowed_;
};

}  // namespace khronos::worker
