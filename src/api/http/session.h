// One connection, without its transport: reads requests, hands each to the handler, writes the
// answers in order. Everything happens on the server's loop, but respond(), which any thread may
// call.
//
// Invariants:
// - At most one read and one write are under way, and at most one request is with the handler.
// - While an answer is owed no further request is parsed; what the client sends meanwhile stays
//   in the buffer, up to its limit, and then in the kernel.
// - A closed session does nothing more, whatever arrives late.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "api/http/http_server.h"
#include "api/http/request_parser.h"
#include "api/http/response_head.h"
#include "api/http_types.h"
#include "base/time.h"

namespace khronos::api {

class Session;

// What the sessions of one server share. Outlives the server while sessions are left.
struct ServerCore {
    ServerCore(runtime::AsioLoop& on, HttpServerConfig with, HttpHandler then)
        : loop(on), config(std::move(with)), handler(std::move(then)) {}

    // The Date field's text, made once a second.
    std::string_view date();

    runtime::AsioLoop& loop;
    const HttpServerConfig config;
    HttpHandler handler;
    HttpServerStats stats;
    bool stopping = false;
    std::unordered_set<Session*> sessions;  // the open ones
    // Runs when the last session has closed.
    runtime::Task on_all_closed;

  private:
    std::string date_;
    std::int64_t date_second_ = INT64_MIN;
};

class Session : public Exchange, public std::enable_shared_from_this<Session> {
  public:
    Session(std::shared_ptr<ServerCore> core, std::string peer_address, std::uint16_t peer_port);
    ~Session() override;

    void start();
    // Ends the connection at once.
    void close();
    // The server stops: ends the connection as soon as nothing is owed to the client.
    void wind_down();
    // Called from time to time; acts when the state's deadline has passed.
    void check_deadline(MonoTime now);

    // Exchange.
    void respond(HttpResponse response) final;
    void begin_stream(HttpResponse head) final;
    Write write(Body chunk) final;
    void end_stream() final;
    void on_drained(runtime::Task task) final;
    void on_closed(runtime::Task task) final;

  protected:
    enum class Outcome : std::uint8_t { done, ended, failed };

    // The transport. Each answers by the function named; reads and writes later, never inside
    // the call.
    virtual void start_transport() = 0;                 // on_transport_started
    virtual void start_read(std::span<char> into) = 0;  // on_read
    // Some of the pieces' bytes, from the front; on_written.
    virtual void start_write(std::span<const std::string_view> pieces) = 0;
    // No more output; on_shut_down. `unread`: the client may still be sending something that
    // nobody will read.
    virtual void start_shutdown(bool unread) = 0;
    virtual void close_transport() = 0;
    virtual std::optional<TlsInfo> tls_info() const = 0;

    void on_transport_started(bool succeeded);
    void on_read(Outcome outcome, std::size_t count);
    void on_written(bool succeeded, std::size_t count);
    void on_shut_down();

    static constexpr std::size_t kPiecesAtOnce = 16;

  private:
    enum class State : std::uint8_t {
        opening,    // TLS handshake
        reading,    // waits for a request or for its rest
        handling,   // the handler owes an answer
        writing,    // the answer, or the last of a stream, is on its way out
        streaming,  // the handler may add to the answer
        lingering,  // all is said; reads what the client still sends, so that it sees the answer
        closed,
    };

    // Input.
    void await_request();
    void process_input();
    void set_reading_deadline();
    void dispatch();
    void refuse(const RequestFault& fault);
    void read_more();
    std::string_view waiting_input() const { return {input_.data() + begin_, end_ - begin_}; }

    // Output.
    void answer(HttpResponse response);
    void queue_head(HttpResponse& head, Framing framing);
    void queue_chunk(Body chunk);
    void queue(Body piece);
    void flush();
    void on_flushed();
    void answer_done();
    void linger();

    void post(void (Session::*step)());
    void tell_closed();
    void tell_drained();

    const std::shared_ptr<ServerCore> core_;
    const std::string peer_address_;
    const std::uint16_t peer_port_;
    State state_ = State::opening;
    MonoTime deadline_ = MonoTime::max();

    RequestParser parser_;
    std::vector<char> input_;  // [begin_, end_) waits to be parsed
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool read_under_way_ = false;
    bool input_ended_ = false;
    bool head_deadline_set_ = false;
    bool body_deadline_set_ = false;
    bool refused_ = false;  // where the next request would begin is not known

    std::vector<Body> queued_;  // not handed to the transport yet
    std::vector<Body>
        flying_;  // under way, from flying_first_ on, less its first flying_sent_ bytes
    std::size_t flying_first_ = 0;
    std::size_t flying_sent_ = 0;
    std::size_t unsent_ = 0;  // bytes in both
    bool write_under_way_ = false;

    // Of the request that is being answered.
    bool is_head_ = false;
    bool is_http_1_0_ = false;
    bool keep_alive_ = true;
    bool chunked_ = false;
    bool stream_open_ = false;  // more may be written
    bool wants_drain_ = false;
    runtime::Task drained_;
    runtime::Task closed_;
};

}  // namespace khronos::api
