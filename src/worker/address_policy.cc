#include "worker/address_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace khronos::worker {
namespace {

constexpr int kV4Bits = 96;  // of the prefix ::ffff:0:0

bool within(const Address& address, const Address& base, int bits) {
    int at = 0;
    for (; bits >= 8; bits -= 8, ++at)
        if (address[at] != base[at]) return false;
    return bits == 0 || (address[at] ^ base[at]) >> (8 - bits) == 0;
}

struct Special {
    const char* network;
    const char* name;
};
// IANA's special-purpose registries, as far as they are not reachable for everybody.
constexpr Special kSpecial[] = {
    {"0.0.0.0/8", "this network"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "shared"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "special"},
    {"192.0.2.0/24", "documentation"},
    {"192.88.99.0/24", "special"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "benchmarking"},
    {"198.51.100.0/24", "documentation"},
    {"203.0.113.0/24", "documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    {"64:ff9b:1::/48", "special"},
    {"100::/64", "discard"},
    {"2001::/23", "special"},
    {"2001:db8::/32", "documentation"},
    {"3fff::/20", "documentation"},
    {"5f00::/16", "special"},
    {"fc00::/7", "private"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "private"},
    {"ff00::/8", "multicast"},
};

struct Parsed {
    Address base{};
    int bits = 0;
    const char* name = "";
};

std::optional<Parsed> parse_network(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto base = parse_address(text.substr(0, slash));
    if (!base) return std::nullopt;
    const bool v4 = text.substr(0, slash).find(':') == text.npos;
    Parsed p{*base, 128, ""};
    if (slash == text.npos) return p;
    const std::string_view number = text.substr(slash + 1);
    int bits = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (error != std::errc{} || end != number.data() + number.size() || bits < 0 ||
        bits > (v4 ? 32 : 128))
        return std::nullopt;
    p.bits = v4 ? bits + kV4Bits : bits;
    return p;
}

const std::vector<Parsed>& special_networks() {
    static const std::vector<Parsed> all = [] {
        std::vector<Parsed> list;
        for (const Special& s : kSpecial) {
            Parsed p = *parse_network(s.network);
            p.name = s.name;
            list.push_back(p);
        }
        return list;
    }();
    return all;
}

// The IPv4 address that a transition address stands for.
std::optional<Address> embedded_v4(const Address& a) {
    static const Address nat64 = *parse_address("64:ff9b::");
    static const Address compatible{};
    static const Address six_to_four = *parse_address("2002::");
    if (within(a, nat64, 96)) return address_v4(a[12], a[13], a[14], a[15]);
    if (within(a, six_to_four, 16)) return address_v4(a[2], a[3], a[4], a[5]);
    if (within(a, compatible, 96)) return address_v4(a[12], a[13], a[14], a[15]);
    return std::nullopt;
}

std::optional<Address> parse_v4(std::string_view text) {
    Address a = address_v4(0, 0, 0, 0);
    for (int part = 0; part < 4; ++part) {
        const std::size_t end = part < 3 ? text.find('.') : text.size();
        if (end == text.npos || end == 0 || end > 3 || (end > 1 && text[0] == '0'))
            return std::nullopt;
        int value = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value);
        if (error != std::errc{} || stop != text.data() + end || value < 0 || value > 255)
            return std::nullopt;
        a[static_cast<std::size_t>(12 + part)] = static_cast<std::uint8_t>(value);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return a;
}

// The groups of one side of `::`; nullopt: not groups, or more than eight.
std::optional<std::vector<std::uint16_t>> groups_of(std::string_view text) {
    std::vector<std::uint16_t> groups;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(':'), text.size());
        const std::string_view part = text.substr(0, end);
        if (part.find('.') != part.npos) {
            const auto v4 = parse_v4(part);
            if (!v4 || end != text.size()) return std::nullopt;
            groups.push_back(static_cast<std::uint16_t>((*v4)[12] << 8 | (*v4)[13]));
            groups.push_back(static_cast<std::uint16_t>((*v4)[14] << 8 | (*v4)[15]));
            break;
        }
        std::uint16_t value = 0;
        const auto [stop, error] =
            std::from_chars(part.data(), part.data() + part.size(), value, 16);
        if (error != std::errc{} || stop != part.data() + part.size() || part.empty() ||
            part.size() > 4)
            return std::nullopt;
        groups.push_back(value);
        if (end == text.size()) break;
        text.remove_prefix(end + 1);
        if (text.empty()) return std::nullopt;  // a single colon at the end
    }
    return groups.size() > 8 ? std::nullopt : std::optional(std::move(groups));
}

}  // namespace

Address address_v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d};
}

std::optional<Address> parse_address(std::string_view text) {
    if (text.find(':') == text.npos) return parse_v4(text);
    const std::size_t gap = text.find("::");
    const auto front = groups_of(text.substr(0, gap));
    const auto back =
        gap == text.npos ? std::vector<std::uint16_t>{} : groups_of(text.substr(gap + 2));
    if (!front || !back) return std::nullopt;
    const std::size_t given = front->size() + back->size();
    if (gap == text.npos ? given != 8 : given > 7) return std::nullopt;
    Address a{};
    const auto put = [&a](std::size_t group, std::uint16_t value) {
        a[2 * group] = static_cast<std::uint8_t>(value >> 8);
        a[2 * group + 1] = static_cast<std::uint8_t>(value);
    };
    for (std::size_t i = 0; i < front->size(); ++i)
        put(i, (*front)[i]);
    for (std::size_t i = 0; i < back->size(); ++i)
        put(8 - back->size() + i, (*back)[i]);
    return a;
}

std::string to_text(const Address& a) {
    if (within(a, address_v4(0, 0, 0, 0), kV4Bits))
        return fmt::format("{}.{}.{}.{}", a[12], a[13], a[14], a[15]);
    std::string text;
    for (std::size_t i = 0; i < 16; i += 2)
        text += fmt::format("{}{:x}", i == 0 ? "" : ":", a[i] << 8 | a[i + 1]);
    return text;
}

AddressPolicy AddressPolicy::allow_all() {
    AddressPolicy policy;
    policy.all_ = true;
    return policy;
}

std::expected<AddressPolicy, std::string> AddressPolicy::with_networks(
    std::span<const std::string> networks) {
    AddressPolicy policy;
    for (const std::string& text : networks) {
        const auto network = parse_network(text);
        if (!network)
            return std::unexpected(
                fmt::format("'{}' is not a network such as 10.0.0.0/8 or fd00::/8", text));
        policy.allowed_.push_back({network->base, network->bits});
    }
    return policy;
}

std::optional<std::string> AddressPolicy::refuse(const Address& address) const {
    if (all_) return std::nullopt;
    for (const Network& n : allowed_)
        if (within(address, n.base, n.bits)) return std::nullopt;
    for (const Parsed& s : special_networks())
        if (within(address, s.base, s.bits))
            return fmt::format("{} is a {} address, which this worker does not let http jobs reach",
                               to_text(address), s.name);
    if (const auto inner = embedded_v4(address)) return refuse(*inner);
    return std::nullopt;
}

}  // namespace khronos::worker
