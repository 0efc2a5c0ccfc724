// The parameters behind the `?` of a request target.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace khronos::api {

// Undoes percent-encoding; empty where an escape is malformed. `+` stands for itself in a path
// and for a space in a query.
enum class Plus : bool { literal, space };
std::optional<std::string> percent_decode(std::string_view text, Plus plus);
// Encodes all but RFC 3986's unreserved characters: safe as one path segment or query value.
std::string percent_encode(std::string_view text);

class QueryParameters {
  public:
    struct Parameter {
        std::string key;
        std::string value;  // empty also where there was no `=`
        bool operator==(const Parameter&) const = default;
    };

    // `a=1&b&metadata%5Bk%5D=v`. The error names the malformed parameter.
    static std::expected<QueryParameters, Error> parse(std::string_view query);

    bool has(std::string_view key) const { return get(key).has_value(); }  // `?pretty`, `?pretty=`
    std::optional<std::string_view> get(std::string_view key) const;       // the first
    std::vector<std::string_view> all(std::string_view key) const;
    // `metadata[k]=v` of the name `metadata`: pairs of k and v, in order, repeated keys kept.
    std::vector<std::pair<std::string_view, std::string_view>> members(std::string_view name) const;

    auto begin() const { return parameters_.begin(); }
    auto end() const { return parameters_.end(); }
    bool operator==(const QueryParameters&) const = default;

  private:
    std::vector<Parameter> parameters_;
};

}  // namespace khronos::api
