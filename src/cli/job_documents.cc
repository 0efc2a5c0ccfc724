#include "cli/job_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <istream>
#include <iterator>
#include <map>

#include "cli/document.h"

namespace khronos::cli {
namespace json = boost::json;
namespace {

class Reader {
  public:
    explicit Reader(Talk& talk) : talk_(talk) {}

    void read(const std::string& path) {
        if (path == "-") {
            std::istream& in = talk_.session().in;
            split({"standard input", std::string(std::istreambuf_iterator<char>(in), {})});
            return;
        }
        const auto files = talk_.session().read(path);
        if (!files) return fail(fmt::format("{}: {}", path, files.error()));
        for (const SourceFile& file : *files)
            split(file);
    }

    std::optional<std::vector<JobDocument>> result() {
        if (!good_) return std::nullopt;
        if (documents_.empty()) {
            talk_.error("there is no job in what was given");
            return std::nullopt;
        }
        return std::move(documents_);
    }

  private:
    void fail(const std::string& message) {
        talk_.error(message);
        good_ = false;
    }

    void split(const SourceFile& file) {
        const auto format = format_of(file);
        if (format == SourceFormat::json) {
            const auto value = json_of(file.text);
            // The agent says where it is wrong, and in which words: one reader of JSON is enough.
            if (!value) return add({file.name, "", file.text}, json::value());
            return split(file.name, *value);
        }
        const auto values = talk_.session().parse(format, file.text);
        if (!values) return fail(fmt::format("{}: {}", file.name, values.error()));
        if (values->size() == 1) return split(file.name, values->front());
        for (std::size_t i = 0; i < values->size(); ++i)
            split(fmt::format("{}[{}]", file.name, i), (*values)[i]);
    }

    // Of standard input by its first character: no job is a scalar, and `{` and `[` begin JSON,
    // which is YAML, too.
    static SourceFormat format_of(const SourceFile& file) {
        if (file.name.ends_with(".toml")) return SourceFormat::toml;
        if (file.name.ends_with(".yaml") || file.name.ends_with(".yml")) return SourceFormat::yaml;
        if (file.name.ends_with(".json")) return SourceFormat::json;
        const std::size_t first = file.text.find_first_not_of(" \t\r\n");
        if (first == std::string::npos) return SourceFormat::json;
        if (file.text[first] == '{' || file.text[first] == '[') {
            // `[[jobs]]` and `[job]` begin TOML.
            return json_of(file.text) || file.text[first] == '{' ||
                           file.text.find('=') == std::string::npos
                       ? SourceFormat::json
                       : SourceFormat::toml;
        }
        const std::string_view line =
            std::string_view(file.text).substr(first, file.text.find('\n', first) - first);
        const std::size_t equals = line.find('=');
        return line[0] != '#' && equals < line.find(':') ? SourceFormat::toml : SourceFormat::yaml;
    }

    void split(const std::string& place, const json::value& value) {
        if (const auto* object = value.if_object(); object && object->size() == 1) {
            const auto& [key, member] = *object->begin();
            if (key == "jobs" || (key == "job" && !member.is_string())) return split(place, member);
        }
        if (const auto* list = value.if_array()) {
            for (std::size_t i = 0; i < list->size(); ++i)
                add({fmt::format("{}[{}]", place, i), "", json::serialize((*list)[i])}, (*list)[i]);
        } else if (!value.is_null()) {
            add({place, "", json::serialize(value)}, value);
        }
    }

    void add(JobDocument document, const json::value& value) {
        document.name = cell(value, "name");
        document.parent = cell(value, "parent_job");
        if (!document.name.empty()) {
            const auto [first, is_new] = places_.emplace(document.name, document.place);
            if (!is_new)
                return fail(fmt::format("{}: job {} is in {} already", document.place,
                                        document.name, first->second));
        }
        documents_.push_back(std::move(document));
    }

    Talk& talk_;
    std::vector<JobDocument> documents_;
    std::map<std::string, std::string> places_;  // by job name
    bool good_ = true;
};

}  // namespace

std::optional<std::vector<JobDocument>> read_job_documents(Talk& talk,
                                                           const std::vector<std::string>& paths) {
    Reader reader(talk);
    for (const std::string& path : paths)
        reader.read(path);
    return reader.result();
}

std::vector<std::size_t> parents_first(const std::vector<JobDocument>& documents) {
    std::map<std::string_view, std::size_t> by_name;
    for (std::size_t i = 0; i < documents.size(); ++i)
        by_name.emplace(documents[i].name, i);
    std::vector<std::size_t> order;
    std::vector<bool> placed(documents.size());
    for (std::size_t i = 0; i < documents.size(); ++i) {
        // Up to the first ancestor that has its place, then down again.
        std::vector<std::size_t> line;
        for (std::size_t at = i; !placed[at];) {
            placed[at] = true;
            line.push_back(at);
            const auto parent = by_name.find(documents[at].parent);
            if (documents[at].parent.empty() || parent == by_name.end()) break;
            at = parent->second;
        }
        order.insert(order.end(), line.rbegin(), line.rend());
    }
    return order;
}

bool brings_parent(const std::vector<JobDocument>& documents, const JobDocument& document) {
    if (document.parent.empty() || document.parent == document.name) return false;
    return std::ranges::any_of(documents,
                               [&](const JobDocument& d) { return d.name == document.parent; });
}

}  // namespace khronos::cli
