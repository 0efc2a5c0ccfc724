#include "cli/talk.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <istream>
#include <ostream>

#include "cli/document.h"

namespace khronos::cli {
namespace json = boost::json;

std::optional<Format> format_from_text(std::string_view text) {
    if (text == "table") return Format::table;
    if (text == "wide") return Format::wide;
    if (text == "json") return Format::json;
    if (text == "yaml") return Format::yaml;
    if (text == "name") return Format::name;
    return std::nullopt;
}

std::optional<json::value> json_of(std::string_view text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error) return std::nullopt;
    return value;
}

std::optional<HttpAnswer> Talk::ask(HttpAsk ask) {
    ask.headers.emplace_back("Accept", "application/json, application/problem+json");
    if (!ask.body.empty()) ask.headers.emplace_back("Content-Type", "application/json");
    auto answer = session_.http.send(ask);
    if (answer) return std::move(*answer);
    error(fmt::format("no answer from {}: {}", options_.server, answer.error()));
    if (options_.server == kDefaultServer)
        remark(
            "start an agent with `khronos agent -e local`, or name one with --server or "
            "KHRONOS_SERVER");
    return std::nullopt;
}

std::optional<HttpAnswer> Talk::ask_ok(HttpAsk what, const std::string& subject) {
    auto answer = ask(std::move(what));
    if (!answer) return std::nullopt;
    if (answer->status >= 200 && answer->status < 300) return answer;
    error(*answer, subject);
    return std::nullopt;
}

std::optional<json::value> Talk::ask_json(HttpAsk what, const std::string& subject) {
    const auto answer = ask_ok(std::move(what), subject);
    if (!answer) return std::nullopt;
    auto value = json_of(answer->body);
    if (!value)
        error(fmt::format("{} did not answer with JSON; is it a Khronos agent?", options_.server));
    return value;
}

void Talk::error(const std::string& message) {
    session_.err << "error: " << printable(message) << '\n';
}

void Talk::error(const HttpAnswer& answer, const std::string& subject) {
    const auto problem = json_of(answer.body);
    const auto* object = problem ? problem->if_object() : nullptr;
    const auto* errors = object ? object->if_contains("errors") : nullptr;
    const std::string head = subject.empty() ? std::string() : subject + ": ";
    if (errors && errors->is_array() && !errors->get_array().empty()) {
        for (const json::value& fault : errors->get_array()) {
            const std::string field = cell(fault, "field");
            error(head + (field.empty() ? "" : field + ": ") + cell(fault, "message"));
        }
        return;
    }
    std::string text = object ? cell(*problem, "detail") : answer.body;
    if (text.empty()) text = answer.status == 404 ? "not found" : "the agent gave no reason";
    error(fmt::format("{}{} (HTTP {})", head, text, answer.status));
    if (answer.status == 401)
        remark("name a file that holds a token with --token-file or KHRONOS_TOKEN_FILE");
}

void Talk::remarks(const HttpAnswer& answer, const std::string& subject) {
    const std::string head = subject.empty() ? "" : subject + ": ";
    for (const auto& [name, value] : answer.headers) {
        if (name != "Warning" && name != "warning") continue;
        const std::size_t first = value.find('"');
        const std::size_t last = value.rfind('"');
        if (first != value.npos && last > first)
            remark(head + value.substr(first + 1, last - first - 1));
    }
}

void Talk::remark(const std::string& message) {
    if (!options_.quiet) session_.err << "note: " << printable(message) << '\n';
}

bool Talk::confirmed(const std::string& question) {
    if (options_.yes) return true;
    if (!options_.interactive) {
        error("nobody is there to confirm it; say --yes");
        return false;
    }
    session_.err << printable(question) << " [y/N] " << std::flush;
    std::string answer;
    std::getline(session_.in, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

bool Talk::print_document(const json::value& value) {
    switch (options_.format) {
        case Format::json:
            session_.out << to_json_text(value);
            return true;
        case Format::yaml:
            session_.out << to_yaml_text(value);
            return true;
        case Format::table:
        case Format::wide:
        case Format::name:
            return false;
    }
    return false;
}

void Talk::print(const Table& table) {
    table.print(session_.out, options_.format == Format::wide ? 0 : options_.width, options_.color);
}

}  // namespace khronos::cli
