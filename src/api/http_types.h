// What an HTTP request, its answer and an event stream are to the API's code. The server
// (api/http) makes and consumes these; tests make their own. No third-party type comes through.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/shared_bytes.h"

namespace khronos::api {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options, other };
std::string_view to_string(Method method);  // "GET", ...; other: "OTHER"
Method method_from(std::string_view text);  // case-sensitive, as HTTP has it

// Fields in their order. Names compare without regard to case.
class Headers {
  public:
    struct Field {
        std::string name;
        std::string value;
        bool operator==(const Field&) const = default;
    };

    Headers() = default;
    Headers(std::initializer_list<Field> fields) : fields_(fields) {}

    // The first field of that name.
    std::optional<std::string_view> find(std::string_view name) const;
    bool contains(std::string_view name) const { return find(name).has_value(); }
    std::vector<std::string_view> all(std::string_view name) const;

    void add(std::string name, std::string value);
    // Replaces every field of that name by one.
    void set(std::string_view name, std::string value);
    void reserve(std::size_t count) { fields_.reserve(count); }

    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }
    std::size_t size() const { return fields_.size(); }
    bool operator==(const Headers&) const = default;

  private:
    std::vector<Field> fields_;
};

// Equal but for the case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// What the TLS handshake said of the client.
struct TlsInfo {
    // Of the client's certificate, once it verified against the configured authorities; empty
    // where the client showed none.
    std::string client_common_name;
    bool operator==(const TlsInfo&) const = default;
};

struct HttpRequest {
    Method method = Method::get;
    std::string method_text;  // as sent; the only place that knows which one `other` is
    std::string target;       // as sent: origin form, absolute form or `*`
    std::string path;         // the target's path, still percent-encoded; begins with `/`, or `*`
    std::string query;        // behind the `?`, still percent-encoded
    // Whom the client thinks it talks to: the authority of an absolute-form target, else the Host
    // field. With its port, if sent. Empty for a HTTP/1.0 request without Host.
    std::string host;
    Headers headers;
    std::string body;          // transfer codings removed; at most limits::kHttpBodyBytes
    std::string peer_address;  // `192.0.2.1`, `2001:db8::1`
    std::uint16_t peer_port = 0;
    std::optional<TlsInfo> tls;  // empty on a plain connection
};

// Bytes of an answer: owned, shared with other answers, or of static storage (embedded files).
class Body {
  public:
    Body() = default;
    Body(std::string bytes) : bytes_(std::move(bytes)) {}  // NOLINT: meant to convert
    Body(const char* text) : bytes_(std::string(text)) {}  // NOLINT: meant to convert
    Body(SharedBytes bytes) : bytes_(std::move(bytes)) {}  // NOLINT: meant to convert
    // The bytes must live as long as the program.
    static Body of_static(std::string_view bytes) {
        Body body;
        body.bytes_ = bytes;
        return body;
    }

    std::string_view view() const {
        if (const auto* owned = std::get_if<std::string>(&bytes_)) return *owned;
        if (const auto* shared = std::get_if<SharedBytes>(&bytes_)) return shared->view();
        return std::get<std::string_view>(bytes_);
    }
    std::size_t size() const { return view().size(); }
    bool empty() const { return size() == 0; }

  private:
    std::variant<std::string, SharedBytes, std::string_view> bytes_;
};

// The server adds Date, Content-Length (or the transfer coding) and Connection, and leaves the
// body out where the request was HEAD or the status has none. It does not add a Content-Type.
// Names and values are checked: a field with a control character is left out.
struct HttpResponse {
    int status = 200;
    Headers headers;
    Body body;
};
// "Not Found"; "Unknown" for what is not registered.
std::string_view reason_phrase(int status);

// One side of an answer under way, as the server or a test implements it. Handlers use Responder
// and Stream instead.
class Exchange {
  public:
    enum class Write : std::uint8_t {
        accepted,  // will be sent, or is buffered
        full,      // not taken: the client reads too slowly; see Stream::on_drained
        closed,    // not taken: the client is gone, or the stream was ended
    };

    virtual ~Exchange() = default;
    virtual void respond(HttpResponse response) = 0;  // any thread; at most once
    // Instead of respond(). The body of `head` is the first chunk.
    virtual void begin_stream(HttpResponse head) = 0;
    virtual Write write(Body chunk) = 0;
    virtual void end_stream() = 0;
    virtual void on_drained(std::move_only_function<void()> task) = 0;
    virtual void on_closed(std::move_only_function<void()> task) = 0;
};

// An answer that is sent piece by piece, such as text/event-stream. Lives on the server's loop
// and is used there only. Its end, or its destruction, ends the answer.
class Stream {
  public:
    Stream() = default;
    explicit Stream(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    Stream(Stream&&) = default;
    Stream& operator=(Stream&& other) noexcept {
        if (this != &other) {
            end();
            exchange_ = std::move(other.exchange_);
        }
        return *this;
    }
    ~Stream() { end(); }

    // At most the server's stream buffer is kept for a client that reads slowly; a chunk that
    // does not fit is not taken. A chunk larger than the buffer fits when nothing is waiting.
    Exchange::Write write(Body chunk) {
        return exchange_ ? exchange_->write(std::move(chunk)) : Exchange::Write::closed;
    }
    void end() {
        if (exchange_) std::exchange(exchange_, nullptr)->end_stream();
    }
    // Runs each time the buffer has emptied after a write was refused as full.
    void on_drained(std::move_only_function<void()> task) {
        if (exchange_) exchange_->on_drained(std::move(task));
    }
    // Runs once, from the loop, when the client went away or the server stops. Not after end().
    void on_closed(std::move_only_function<void()> task) {
        if (exchange_) exchange_->on_closed(std::move(task));
    }

  private:
    std::shared_ptr<Exchange> exchange_;
};

// The duty to answer one request, exactly once; now or later. If it is destroyed unanswered the
// client gets a 500.
class Responder {
  public:
    explicit Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    Responder(Responder&&) = default;
    Responder& operator=(Responder&&) = delete;
    ~Responder() {
        if (exchange_) send({500, {}, {}});
    }

    // Any thread. Nothing happens if the client is gone.
    void send(HttpResponse response) {
        if (exchange_) std::exchange(exchange_, nullptr)->respond(std::move(response));
    }
    // On the server's loop. The status and fields of `head` are sent at once, its body is the
    // first chunk.
    Stream begin_stream(HttpResponse head) {
        if (!exchange_) return {};
        exchange_->begin_stream(std::move(head));
        return Stream(std::exchange(exchange_, nullptr));
    }
    bool answered() const { return exchange_ == nullptr; }

  private:
    std::shared_ptr<Exchange> exchange_;
};

// Called on the server's loop, once for each well-formed request, with the requests of one
// connection in their order and one at a time.
using HttpHandler = std::move_only_function<void(HttpRequest, Responder)>;

}  // namespace khronos::api
