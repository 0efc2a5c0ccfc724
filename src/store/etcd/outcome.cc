#include "store/etcd/outcome.h"

#include <optional>
#include <string_view>

namespace khronos::store::etcd {
namespace {

constexpr std::string_view kPrefix = "etcdserver: ";

bool says(const RpcStatus& status, std::string_view text) {
    return status.message.find(text) != std::string::npos;
}

// What is certain in spite of the failure.
std::optional<RefusedKind> refusal(const RpcStatus& status) {
    switch (status.code) {
        case RpcCode::resource_exhausted:
            if (says(status, "database space exceeded")) return RefusedKind::no_space;
            if (says(status, "too many requests")) return RefusedKind::unreachable;
            if (says(status, "larger than max")) return RefusedKind::too_large;
            return std::nullopt;
        case RpcCode::invalid_argument:
            if (is_denied(status) || wants_login(status)) return RefusedKind::denied;
            return RefusedKind::too_large;
        case RpcCode::not_found:
            if (says(status, "lease not found")) return RefusedKind::no_lease;
            return std::nullopt;
        case RpcCode::permission_denied:
        case RpcCode::unauthenticated:
            return RefusedKind::denied;
        case RpcCode::ok:
        case RpcCode::cancelled:
        case RpcCode::unknown:
        case RpcCode::deadline_exceeded:
        case RpcCode::already_exists:
        case RpcCode::failed_precondition:
        case RpcCode::aborted:
        case RpcCode::out_of_range:
        case RpcCode::unimplemented:
        case RpcCode::internal:
        case RpcCode::unavailable:
        case RpcCode::data_loss:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

WriteOutcome failed_write(const RpcStatus& status, bool sent) {
    if (!sent) {
        const auto kind = refusal(status);
        return Refused{kind == RefusedKind::denied ? *kind : RefusedKind::unreachable,
                       words(status)};
    }
    if (auto kind = refusal(status)) return Refused{*kind, words(status)};
    return Unknown{words(status)};
}

ReadError failed_read(const RpcStatus& status) {
    return {refusal(status).value_or(RefusedKind::unreachable), words(status)};
}

bool wants_login(const RpcStatus& status) {
    return status.code == RpcCode::unauthenticated ||
           (status.code == RpcCode::invalid_argument && says(status, "revision of auth store"));
}

bool is_members_fault(const RpcStatus& status) {
    return status.code == RpcCode::unavailable || status.code == RpcCode::deadline_exceeded ||
           status.code == RpcCode::cancelled || status.code == RpcCode::internal ||
           status.code == RpcCode::unknown;
}

bool is_denied(const RpcStatus& status) {
    return status.code == RpcCode::permission_denied ||
           (status.code == RpcCode::invalid_argument &&
            (says(status, "authentication failed") || says(status, "user name is empty") ||
             says(status, "user name not found")));
}

std::string words(const RpcStatus& status) {
    if (status.code == RpcCode::invalid_argument && says(status, "user name is empty"))
        return "etcd wants a user and a password";
    if (status.code == RpcCode::invalid_argument && says(status, "authentication failed"))
        return "etcd does not accept the user or the password";
    if (status.code == RpcCode::deadline_exceeded && !says(status, kPrefix))
        return "etcd did not answer in time";
    std::string_view text = status.message;
    if (text.starts_with(kPrefix)) text.remove_prefix(kPrefix.size());
    if (text.empty()) text = "the call failed without a reason";
    return "etcd: " + std::string(text);
}

}  // namespace khronos::store::etcd
