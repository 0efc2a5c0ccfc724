#include "cli/verify_report.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <ostream>

#include "cli/commands.h"

namespace khronos::cli {
namespace {

namespace json = boost::json;
using cluster::VerifiedJob;

const char* verdict_of(const VerifiedJob& job) {
    if (!job.verdict.findings.empty()) return "VIOLATED";
    return job.verdict.unknown.empty() && job.verdict.ticks_unknown == 0 ? "ok" : "UNKNOWN";
}

std::string why_unknown(const verify::JobVerdict& verdict) {
    if (!verdict.unknown.empty()) return verdict.unknown;
    if (verdict.ticks_unknown == 0) return "";
    return fmt::format("{} ticks have no record; it may have been forgotten",
                       verdict.ticks_unknown);
}

json::array to_json(const std::vector<verify::Finding>& findings) {
    json::array out;
    for (const verify::Finding& one : findings)
        out.push_back(json::object{{"invariant", one.invariant}, {"message", one.text}});
    return out;
}

}  // namespace

void VerifyReport::add(const VerifiedJob& job) {
    const verify::JobVerdict& verdict = job.verdict;
    if (quiet_ && verdict.findings.empty()) return;
    const std::string name = job.name.empty() ? to_hex(job.uid) : job.name;
    if (as_json_) {
        jobs_.push_back(json::object{{"job", name},
                                     {"uid", to_hex(job.uid)},
                                     {"deleted", job.deleted},
                                     {"records", job.records},
                                     {"ticks", verdict.ticks},
                                     {"ticks_unknown", verdict.ticks_unknown},
                                     {"unknown", why_unknown(verdict)},
                                     {"violations", to_json(verdict.findings)}});
        return;
    }
    out_ << fmt::format("{:<8} {}{}: {} records, {} ticks derived", verdict_of(job), name,
                        job.deleted ? " (deleted)" : "", job.records, verdict.ticks);
    if (const std::string why = why_unknown(verdict); !why.empty()) out_ << "; " << why;
    out_ << '\n';
    for (const verify::Finding& one : verdict.findings)
        out_ << fmt::format("         {} {}\n", one.invariant, one.text);
}

int VerifyReport::end(const cluster::Verified& verified) {
    const int status = verified.findings == 0 ? kDone : kFailed;
    if (as_json_) {
        out_ << json::serialize(json::object{{"jobs", std::move(jobs_)},
                                             {"others", to_json(verified.others)},
                                             {"records", verified.records},
                                             {"ticks", verified.ticks},
                                             {"ticks_unknown", verified.ticks_unknown},
                                             {"violations", verified.findings}})
             << '\n';
        return status;
    }
    for (const verify::Finding& one : verified.others)
        out_ << fmt::format("VIOLATED {} {}\n", one.invariant, one.text);
    out_ << fmt::format("{} jobs, {} records, {} ticks derived: {}", verified.jobs,
                        verified.records, verified.ticks,
                        verified.findings == 0   ? "no violation"
                        : verified.findings == 1 ? "1 violation"
                                                 : fmt::format("{} violations", verified.findings));
    if (verified.jobs_unknown > 0)
        out_ << fmt::format("; of {} jobs not all can be told", verified.jobs_unknown);
    out_ << '\n';
    return status;
}

}  // namespace khronos::cli
