#include "api/http/request_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <optional>

#include "api/http/request_target.h"
#include "base/check.h"

namespace khronos::api {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

namespace {

std::string_view plain(string_view text) {
    return {text.data(), text.size()};
}

// Tells a request of another HTTP version from what is no request at all.
bool names_http(std::string_view bytes) {
    return bytes.substr(0, bytes.find('\r')).find(" HTTP/") != std::string_view::npos;
}

RequestFault fault_of(error_code error, const RequestLimits& limits, bool in_request_line) {
    if (error == http::error::body_limit)
        return {413, fmt::format("the body is larger than {} bytes", limits.body_bytes)};
    if (error == http::error::header_limit && in_request_line)
        return {414, fmt::format("the request line is longer than {} bytes", limits.header_bytes)};
    if (error == http::error::header_limit)
        return {431, fmt::format("the header is larger than {} bytes", limits.header_bytes)};
    return {400, "not a well-formed HTTP/1.1 request: " + error.message()};
}

}  // namespace

class RequestParser::Message {
  public:
    explicit Message(RequestLimits limits) : limits_(limits) { reset(); }

    void reset() {
        parser_.emplace(*this);
        parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
        parser_->body_limit(limits_.body_bytes);
        request_ = {};
        fault_.reset();
        head_bytes_ = 0;
        version_ = 11;
        started_ = expects_continue_ = host_seen_ = length_seen_ = coding_seen_ = false;
    }

    std::size_t feed(std::string_view bytes);
    void refuse(RequestFault fault) {
        if (!fault_) fault_.emplace(std::move(fault));
    }
    void refuse(int status, std::string message) { refuse({status, std::move(message)}); }
    void take_request_line(std::string_view method, std::string_view target, int version);
    void take_field(http::field field, std::string_view name, std::string_view value);
    void finish_head();

  private:
    friend class RequestParser;

    class Beast final : public http::basic_parser<true> {
      public:
        explicit Beast(Message& message) : message_(message) {}

      private:
        void on_request_impl(http::verb, string_view method, string_view target, int version,
                             error_code& error) override {
            message_.take_request_line(plain(method), plain(target), version);
            stop_if_refused(error);
        }
        void on_response_impl(int, string_view, int, error_code&) override {}
        void on_field_impl(http::field field, string_view name, string_view value,
                           error_code& error) override {
            // Fields behind a chunked body say nothing that could still be honoured.
            if (in_body_) return;
            message_.take_field(field, plain(name), plain(value));
            stop_if_refused(error);
        }
        void on_header_impl(error_code& error) override {
            in_body_ = true;
            message_.finish_head();
            stop_if_refused(error);
        }
        void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
        std::size_t on_body_impl(string_view piece, error_code&) override {
            message_.request_.body.append(piece.data(), piece.size());
            return piece.size();
        }
        void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
        std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
            message_.request_.body.append(piece.data(), piece.size());
            return piece.size();
        }
        void on_finish_impl(error_code&) override {}

        void stop_if_refused(error_code& error) const {
            if (message_.fault_) error = http::error::bad_value;
        }

        Message& message_;
        bool in_body_ = false;
    };

    RequestLimits limits_;
    std::optional<Beast> parser_;
    HttpRequest request_;
    std::optional<RequestFault> fault_;
    std::size_t head_bytes_ = 0;
    int version_ = 11;
    bool started_ = false;
    bool expects_continue_ = false;
    bool host_seen_ = false;
    bool length_seen_ = false;
    bool coding_seen_ = false;
};

std::size_t RequestParser::Message::feed(std::string_view bytes) {
    std::size_t used = 0;
    // Empty lines between requests are common and harmless (RFC 9112, section 2.2).
    while (!started_ && used + 1 < bytes.size() && bytes[used] == '\r' && bytes[used + 1] == '\n')
        used += 2;
    if (!started_ && bytes.substr(used) == "\r") return used;
    while (used < bytes.size() && !fault_ && !parser_->is_done()) {
        started_ = true;
        const bool in_head = !parser_->is_header_done();
        error_code error;
        const std::size_t taken = parser_->put({bytes.data() + used, bytes.size() - used}, error);
        used += taken;
        if (in_head) {
            head_bytes_ += taken;
            const std::size_t waiting = parser_->is_header_done() ? 0 : bytes.size() - used;
            if (head_bytes_ + waiting > limits_.header_bytes &&
                (!error || error == http::error::need_more))
                error = http::error::header_limit;
        } else if (error == http::error::need_more && bytes.size() - used > limits_.header_bytes) {
            // A chunk's head or the trailer, which the parser wants in one piece.
            refuse(400, "a chunk header or the trailer of the body is too long");
        }
        if (error == http::error::need_more) break;
        if (error == http::error::bad_version && names_http(bytes.substr(used)))
            refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        else if (error)
            refuse(fault_of(error, limits_, request_.target.empty()));
    }
    return used;
}

void RequestParser::Message::take_request_line(std::string_view method, std::string_view target,
                                               int version) {
    version_ = version;
    request_.method = method_from(method);
    request_.method_text = method;
    request_.target = target;
    const auto parts = split_target(request_.method, target);
    if (!parts) return refuse(400, "the request target is neither a path nor an http URL");
    request_.path = parts->path;
    request_.query = parts->query;
    request_.host = parts->authority;
}

void RequestParser::Message::take_field(http::field field, std::string_view name,
                                        std::string_view value) {
    if (field == http::field::host) {
        if (std::exchange(host_seen_, true)) return refuse(400, "more than one Host field");
        if (!is_plausible_host(value)) return refuse(400, "the Host field is not a host and port");
        if (request_.host.empty()) request_.host = value;
    } else if (field == http::field::content_length) {
        // Beast takes lists of equal lengths; other servers on the way may not.
        if (std::exchange(length_seen_, true)) return refuse(400, "more than one Content-Length");
        if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos)
            return refuse(400, "Content-Length is not a number");
    } else if (field == http::field::transfer_encoding) {
        if (std::exchange(coding_seen_, true))
            return refuse(400, "more than one Transfer-Encoding");
        if (version_ < 11) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
        if (!equals_ignoring_case(value, "chunked"))
            return refuse(501, "the only transfer coding that is understood is 'chunked'");
    } else if (field == http::field::expect) {
        if (!equals_ignoring_case(value, "100-continue"))
            return refuse(417, "the only expectation that is understood is '100-continue'");
        expects_continue_ = version_ >= 11;
    }
    request_.headers.add(std::string(name), std::string(value));
}

void RequestParser::Message::finish_head() {
    if (length_seen_ && coding_seen_)
        return refuse(400, "both Content-Length and Transfer-Encoding");
    if (version_ >= 11 && !host_seen_) refuse(400, "no Host field");
}

RequestParser::RequestParser(RequestLimits limits)
    : limits_(limits), message_(std::make_unique<Message>(limits)) {}
RequestParser::~RequestParser() = default;

std::size_t RequestParser::feed(std::string_view bytes) {
    return message_->feed(bytes);
}
bool RequestParser::started() const {
    return message_->started_;
}
bool RequestParser::head_complete() const {
    return message_->parser_->is_header_done();
}
bool RequestParser::complete() const {
    return !message_->fault_ && message_->parser_->is_done();
}
const std::optional<RequestFault>& RequestParser::fault() const {
    return message_->fault_;
}
bool RequestParser::expects_continue() const {
    return message_->expects_continue_;
}
bool RequestParser::keep_alive() const {
    return message_->parser_->keep_alive();
}
bool RequestParser::is_http_1_0() const {
    return message_->version_ < 11;
}

HttpRequest RequestParser::take() {
    CHECK(complete());
    HttpRequest request = std::move(message_->request_);
    message_->reset();
    return request;
}

}  // namespace khronos::api
