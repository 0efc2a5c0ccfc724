#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace khronos::cli {
namespace {

// Less than this is over before the bar could be read.
constexpr std::size_t kLeast = 20;
constexpr int kBar = 30;

}  // namespace

Progress::Progress(const Options& options, Session& session, std::string what, std::size_t total)
    : err_(session.err),
      what_(std::move(what)),
      total_(total),
      width_(kBar),
      shown_(options.progress && !options.quiet && total >= kLeast) {}

void Progress::show(std::size_t done) {
    done_ = std::min(done, total_);
    if (!shown_) return;
    const int full = static_cast<int>(done_ * 100 / total_);
    if (full == drawn_) return;
    drawn_ = full;
    const auto filled = static_cast<std::size_t>(width_ * full / 100);
    err_ << fmt::format("\r[{}{}] {:3}% of {} {}", std::string(filled, '#'),
                        std::string(static_cast<std::size_t>(width_) - filled, '.'), full, total_,
                        what_)
         << std::flush;
}

void Progress::clear() {
    if (drawn_ < 0) return;
    err_ << "\r\033[K" << std::flush;
    drawn_ = -1;
}

}  // namespace khronos::cli
