// What all commands do with an agent: ask, understand errors, print in the format asked for.
#pragma once

#include <boost/json/value.hpp>
#include <expected>
#include <string>

#include "cli/commands.h"
#include "cli/table.h"

namespace khronos::cli {

class Talk {
  public:
    Talk(const Options& options, Session& session) : options_(options), session_(session) {}

    // Any answer; nullopt, with a message printed, where there was none.
    std::optional<HttpAnswer> ask(HttpAsk ask);
    // A 2xx answer; else nullopt, with what the agent said printed. `subject` (`job backup`) is
    // named in messages.
    std::optional<HttpAnswer> ask_ok(HttpAsk ask, const std::string& subject);
    // The same, as JSON.
    std::optional<boost::json::value> ask_json(HttpAsk ask, const std::string& subject);

    void error(const std::string& message);  // `error: ...`
    void error(const HttpAnswer& answer, const std::string& subject);
    // What the agent warned of, unless --quiet.
    void remarks(const HttpAnswer& answer, const std::string& subject = "");
    void remark(const std::string& message);

    // Asks on the terminal; without somebody to answer, and without --yes, the answer is no.
    bool confirmed(const std::string& question);

    // A document, for Format json and yaml; false for the others.
    bool print_document(const boost::json::value& value);
    void print(const Table& table);

    const Options& options() const { return options_; }
    Session& session() { return session_; }

  private:
    const Options& options_;
    Session& session_;
};

// nullopt, where the text is no JSON.
std::optional<boost::json::value> json_of(std::string_view text);

}  // namespace khronos::cli
