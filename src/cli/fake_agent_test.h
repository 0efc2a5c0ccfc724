// An agent made up by the test: answers by request line, notes what it was asked.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace khronos::cli {

class FakeAgent final : public HttpClient {
  public:
    // Answers of one request line, in turn; the last one stays.
    std::map<std::string, std::vector<HttpAnswer>> answers;
    std::vector<HttpAsk> asked;
    bool dead = false;
    int silent_after = -1;  // requests; then it gives `silences` of them no answer
    int silences = 0;

    void on(const std::string& line, int status, std::string body,
            std::vector<std::pair<std::string, std::string>> headers = {}) {
        answers[line].push_back({status, std::move(headers), std::move(body)});
    }

    std::expected<HttpAnswer, std::string> send(const HttpAsk& ask) override {
        asked.push_back(ask);
        if (silent_after >= 0 && silent_after-- == 0 && silences-- > 0) {
            silent_after = silences > 0 ? 0 : -1;
            return std::unexpected("Connection refused");
        }
        if (dead) return std::unexpected("Connection refused");
        const auto found = answers.find(ask.method + " " + ask.target);
        if (found == answers.end()) return HttpAnswer{404, {}, "404 page not found"};
        auto& queue = found->second;
        HttpAnswer answer = queue.front();
        if (queue.size() > 1) queue.erase(queue.begin());
        return answer;
    }

    std::vector<std::string> lines() const {
        std::vector<std::string> all;
        for (const HttpAsk& ask : asked)
            all.push_back(ask.method + " " + ask.target);
        return all;
    }
};

// What one command is run in.
struct Bench {
    FakeAgent agent;
    Options options;
    std::istringstream in;
    std::ostringstream out, err;
    std::map<std::string, std::vector<SourceFile>> files;
    // What a text of YAML or TOML means.
    std::map<std::pair<SourceFormat, std::string>, std::vector<boost::json::value>> parsed;
    MonoTime clock{0};
    WallTime wall = WallTime::from_seconds(1767225600);  // 2026-01-01T00:00:00Z
    Session session{
        agent,
        in,
        out,
        err,
        [this](const std::string& path) -> std::expected<std::vector<SourceFile>, std::string> {
            const auto found = files.find(path);
            if (found == files.end()) return std::unexpected("No such file");
            return found->second;
        },
        [this] { return clock; },
        [this](Duration d) { clock = clock + d; },
        [this](SourceFormat format, const std::string& text)
            -> std::expected<std::vector<boost::json::value>, std::string> {
            const auto found = parsed.find({format, text});
            if (found == parsed.end()) return std::unexpected("line 1: not understood");
            return found->second;
        },
        [this] { return wall; }};
};

}  // namespace khronos::cli
