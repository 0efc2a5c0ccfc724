#include "cli/watch.h"

#include <algorithm>
#include <ostream>
#include <sstream>

namespace khronos::cli {
namespace {

constexpr Duration kPause = std::chrono::seconds(2);

}  // namespace

int watch(const Options& options, Duration limit, Session& session,
          const std::function<int(Session&)>& command) {
    const MonoTime deadline = limit.count() > 0 ? session.now() + limit : MonoTime::max();
    std::string shown;
    for (bool first = true;; first = false) {
        std::ostringstream out;
        std::ostringstream err;
        Session once{session.http, session.in,    out,           err,         session.read,
                     session.now,  session.pause, session.parse, session.wall};
        const int code = command(once);
        const std::string answer = std::move(out).str();
        if (first || answer != shown) {
            if (options.width > 0)
                session.out << "\033[H\033[2J";
            else if (!first)
                session.out << '\n';
            session.out << answer << std::flush;
            shown = answer;
        }
        session.err << err.str() << std::flush;
        const MonoTime now = session.now();
        if (now >= deadline || !session.out) return code;
        session.pause(std::min(kPause, deadline - now));
    }
}

}  // namespace khronos::cli
