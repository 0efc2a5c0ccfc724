#include "worker/output_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace khronos::worker {
namespace {

std::string in_one(const Output& output) {
    const std::uint64_t kept = output.head.size() + output.tail.size();
    if (output.total <= kept) return output.head + output.tail;
    return fmt::format("{}\n[... {} bytes left out ...]\n{}", output.head, output.total - kept,
                       output.tail);
}

}  // namespace

wire::OutputPart part_of(const Output& output, const wire::OutputQuery& query) {
    wire::OutputPart part;
    if (query.as_written) {
        // Head and tail stand for themselves; what lies between is skipped.
        const std::uint64_t tail_at = output.total - output.tail.size();
        const bool in_head = query.offset < output.head.size();
        part.size = output.total;
        part.offset =
            in_head ? query.offset : std::min(std::max(query.offset, tail_at), output.total);
        part.bytes = in_head ? output.head.substr(part.offset, query.length)
                             : output.tail.substr(part.offset - tail_at, query.length);
        return part;
    }
    const std::string text = in_one(output);
    part.size = text.size();
    part.offset = query.from_end ? text.size() - std::min<std::uint64_t>(query.length, text.size())
                                 : std::min<std::uint64_t>(query.offset, text.size());
    part.bytes = text.substr(part.offset, query.length);
    return part;
}

}  // namespace khronos::worker
