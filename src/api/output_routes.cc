// What a run has written: all that is kept, a part of it, or as it comes.
#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "api/execution_read.h"
#include "api/output_follow.h"
#include "api/reply.h"
#include "api/routes.h"

namespace khronos::api {
namespace {

using core::Execution;

constexpr std::uint64_t kOutputMost = 1 << 20;

struct RangeHeader {
    OutputRange range;
    bool given = false;
};

// `bytes=0-99`, `bytes=100-`, `bytes=-500`; anything else is as if it were not there.
RangeHeader range_of(const Headers& headers) {
    RangeHeader header{{0, kOutputMost, false}, false};
    std::string_view text = headers.find("Range").value_or("");
    if (!text.starts_with("bytes=") || text.contains(',')) return header;
    text.remove_prefix(6);
    const std::size_t dash = text.find('-');
    if (dash == text.npos) return header;
    const auto number = [](std::string_view digits) -> std::optional<std::uint64_t> {
        std::uint64_t value = 0;
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
        return value;
    };
    const auto first = number(text.substr(0, dash));
    const auto last = number(text.substr(dash + 1));
    if (dash == 0) {
        if (!last) return header;
        return {{0, std::min(*last, kOutputMost), true}, true};
    }
    if (!first || (dash + 1 < text.size() && (!last || *last < *first))) return header;
    const std::uint64_t length = last ? std::min(*last - *first, kOutputMost - 1) + 1 : kOutputMost;
    return {{*first, length, false}, true};
}

void answer_output(Reply& reply, const Execution& execution, const RangeHeader& asked,
                   OutputPart part) {
    Headers headers{{"Content-Type", "text/plain; charset=utf-8"},
                    {"Accept-Ranges", "bytes"},
                    {"Cache-Control", "no-store"},
                    {"Khronos-Output-Complete", part.complete ? "true" : "false"},
                    {"Khronos-Output-Bytes", std::to_string(execution.output_bytes)},
                    {"Khronos-Status", std::string(core::to_text(execution.state))}};
    const bool beyond = asked.given && !asked.range.from_end && part.bytes.empty();
    if (beyond) {
        headers.add("Content-Range", fmt::format("bytes */{}", part.size));
        return reply.raw({416, std::move(headers), {}});
    }
    if (part.bytes.size() == part.size || part.bytes.empty())
        return reply.raw({200, std::move(headers), std::move(part.bytes)});
    headers.add("Content-Range", fmt::format("bytes {}-{}/{}", part.offset,
                                             part.offset + part.bytes.size() - 1, part.size));
    reply.raw({206, std::move(headers), std::move(part.bytes)});
}

void output(Context& context, const Call& call, Responder responder) {
    auto reply = std::make_shared<Reply>(call, std::move(responder));
    if (call.query.has("follow")) return follow_output(context, call, std::move(reply));
    const RangeHeader asked = range_of(call.request.headers);
    with_execution(
        context.services, reply, call.path["execution"], [&context, reply, asked](Execution found) {
            auto execution = std::make_shared<Execution>(std::move(found));
            if (!context.services.read_output)
                return answer_output(*reply, *execution, asked,
                                     part_of_tail(*execution, asked.range));
            context.services.read_output(
                *execution, asked.range, [reply, asked, execution](auto part) {
                    if (!part && part.error().kind != ErrorKind::not_found)
                        return reply->problem(part.error());
                    answer_output(*reply, *execution, asked,
                                  part ? std::move(*part) : part_of_tail(*execution, asked.range));
                });
        });
}

}  // namespace

void add_output_routes(std::vector<Route>& routes, Context& context) {
    routes.emplace_back(Method::get, "/v1/executions/:execution/output", Permission::viewer,
                        "getExecutionOutput", [&context](const Call& call, Responder responder) {
                            output(context, call, std::move(responder));
                        });
}

}  // namespace khronos::api
