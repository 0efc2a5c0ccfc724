// One part of a multipart/form-data body (RFC 7578).
#pragma once

#include <optional>
#include <string_view>

namespace khronos::api {

// The content of the first part of that name, as a view into `body`; nothing where the body is no
// such form or has no such part.
std::optional<std::string_view> form_part(std::string_view content_type, std::string_view body,
                                          std::string_view name);

}  // namespace khronos::api
