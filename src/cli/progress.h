// A bar on the terminal for long work; nothing where nobody looks.
#pragma once

#include <cstddef>
#include <string>

#include "cli/commands.h"

namespace khronos::cli {

class Progress {
  public:
    // `what`: what is counted, such as `jobs`.
    Progress(const Options& options, Session& session, std::string what, std::size_t total);
    ~Progress() { clear(); }
    void step() { show(done_ + 1); }
    void show(std::size_t done);
    void clear();  // takes the bar away; further steps bring it back

  private:
    std::ostream& err_;
    const std::string what_;
    const std::size_t total_;
    const int width_;
    const bool shown_;
    std::size_t done_ = 0;
    int drawn_ = -1;  // how full it was drawn; -1: it is not there
};

}  // namespace khronos::cli
