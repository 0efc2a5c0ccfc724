// Bytes of a connection in, requests out. Beast's parser does the grammar; what it leaves open
// and a server must not (which body length holds, Host, transfer codings) is decided here.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/http_types.h"

namespace khronos::api {

struct RequestLimits {
    std::size_t header_bytes;  // request line and fields
    std::size_t body_bytes;    // after transfer codings
};

// Why a request is refused. The connection cannot be used any more: where the next request would
// begin is not known.
struct RequestFault {
    int status;           // 400, 413, 414, 417, 431, 501, 505
    std::string message;  // for the client
    bool operator==(const RequestFault&) const = default;
};

class RequestParser {
  public:
    explicit RequestParser(RequestLimits limits);
    ~RequestParser();

    // Takes bytes from the front of `bytes` and returns how many. What is left over must be given
    // again, with more behind it; all of it belongs to the next request once this one is complete.
    std::size_t feed(std::string_view bytes);

    bool started() const;  // has seen a byte of the current request
    bool head_complete() const;
    bool complete() const;
    const std::optional<RequestFault>& fault() const;

    // Of the current head.
    bool expects_continue() const;  // the client waits for `100 Continue` before its body
    bool keep_alive() const;        // the connection may be used again
    bool is_http_1_0() const;

    // The complete request, without peer and TLS; the parser begins the next one.
    HttpRequest take();

  private:
    class Message;
    RequestLimits limits_;
    std::unique_ptr<Message> message_;
};

}  // namespace khronos::api
