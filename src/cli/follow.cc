#include "cli/follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ostream>

#include "base/duration.h"
#include "cli/document.h"

namespace khronos::cli {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(50);
constexpr Duration kLongestPause = std::chrono::seconds(1);

int number_of(const std::string& text) {
    int number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// An agent that is started anew, or whose place another takes, answers again soon: a run that is
// waited for goes on without it.
constexpr Duration kPatience = std::chrono::seconds(30);

std::optional<HttpAnswer> ask_patiently(Talk& talk, const HttpAsk& ask, MonoTime deadline) {
    Session& session = talk.session();
    const MonoTime end = std::min(session.now() + kPatience, deadline);
    for (bool told = false;; told = true) {
        const auto answer = session.http.send(ask);
        if (answer && answer->status != 503) return *answer;
        if (session.now() >= end) return talk.ask(ask);
        if (!told)
            talk.remark(fmt::format("no answer from {}: {}; trying again", talk.options().server,
                                    answer ? "HTTP 503" : answer.error()));
        session.pause(kLongestPause);
    }
}

}  // namespace

bool is_over(std::string_view status) {
    return status != "waiting" && status != "running" && status != "retry_wait";
}

int exit_code_of(const boost::json::value& execution) {
    const std::string status = cell(execution, "status");
    if (status == "succeeded") return kDone;
    if (status == "timed_out") return kTimedOut;
    const int code = number_of(cell(execution, "exit_code"));
    const int signal = number_of(cell(execution, "signal"));
    if (status == "failed" && code > 0 && code < 256) return code;
    if (status == "failed" && signal > 0 && signal < 128) return 128 + signal;
    return kFailed;
}

std::string end_in_words(const boost::json::value& execution) {
    std::string words = cell(execution, "status");
    for (const char* key : {"message", "reason"})
        if (const std::string text = cell(execution, key); !text.empty())
            return fmt::format("{}: {}", words, text);
    return words;
}

bool OutputPrinter::print_more() {
    // Short steps, so that a long output does not come in one piece.
    for (;;) {
        HttpAsk ask{.target = fmt::format("/v1/executions/{}/output", percent_encode(id_))};
        ask.headers.emplace_back("Range", fmt::format("bytes={}-", printed_));
        const auto answer = ask_patiently(talk_, ask, MonoTime::max());
        if (!answer) return false;
        if (answer->status == 404) return true;  // not decided yet
        if (answer->status != 416 && (answer->status < 200 || answer->status > 299)) {
            talk_.error(*answer, "execution " + id_);
            return false;
        }
        complete_ = answer->header("Khronos-Output-Complete") == "true";
        // A whole answer begins at the beginning, whatever was asked for.
        std::string_view body = answer->status == 416 ? std::string_view() : answer->body;
        if (answer->status == 200) body.remove_prefix(std::min<std::size_t>(printed_, body.size()));
        if (body.empty()) return true;
        talk_.session().out << body << std::flush;
        printed_ += body.size();
        if (answer->status == 200) return true;
    }
}

Followed follow(Talk& talk, const std::string& id, Duration timeout, OutputPrinter* output) {
    const MonoTime deadline =
        timeout.count() > 0 ? talk.session().now() + timeout : MonoTime::max();
    Duration pause = kFirstPause;
    for (;;) {
        const auto answer =
            ask_patiently(talk, {.target = "/v1/executions/" + percent_encode(id)}, deadline);
        if (!answer) return {};
        if (answer->status == 200) {
            const auto execution = json_of(answer->body);
            if (!execution) {
                talk.error("the agent did not answer with an execution");
                return {};
            }
            const bool over = is_over(cell(*execution, "status"));
            if (output && !output->print_more()) return {};
            if (over) return {*execution, exit_code_of(*execution)};
        } else if (answer->status != 404) {
            talk.error(*answer, "execution " + id);
            return {};
        }
        if (talk.session().now() >= deadline) {
            talk.error(
                fmt::format("execution {} is not over after {}", id, format_duration(timeout)));
            return {std::nullopt, kTimedOut};
        }
        talk.session().pause(std::min(pause, deadline - talk.session().now()));
        pause = std::min(pause * 2, kLongestPause);
    }
}

}  // namespace khronos::cli
