#include "api/http/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace khronos::api {

namespace {

constexpr std::size_t kFirstInputBytes = 4096;
constexpr std::size_t kStreamInputBytes = 256;  // a stream's client has nothing to say
constexpr std::size_t kCopiedBytes = 4096;      // up to here a copy costs less than another piece
constexpr Duration kLinger = 2s;

}  // namespace

std::string_view ServerCore::date() {
    const WallTime now = loop.wall_now();
    if (now.seconds() != date_second_) {
        date_second_ = now.seconds();
        date_ = http_date(now);
    }
    return date_;
}

Session::Session(std::shared_ptr<ServerCore> core, std::string peer_address,
                 std::uint16_t peer_port)
    : core_(std::move(core)),
      peer_address_(std::move(peer_address)),
      peer_port_(peer_port),
      parser_({core_->config.max_header_bytes, core_->config.max_body_bytes}),
      input_(kFirstInputBytes) {}

Session::~Session() {
    core_->sessions.erase(this);
}

void Session::start() {
    core_->sessions.insert(this);
    deadline_ = core_->loop.mono_now() + core_->config.header_timeout;
    start_transport();
}

void Session::on_transport_started(bool succeeded) {
    if (state_ != State::opening) return;
    if (!succeeded) return close();
    await_request();
}

void Session::close() {
    if (state_ == State::closed) return;
    const auto self = shared_from_this();
    state_ = State::closed;
    deadline_ = MonoTime::max();
    close_transport();
    queued_.clear();
    core_->sessions.erase(this);
    if (closed_) post(&Session::tell_closed);
    if (core_->sessions.empty() && core_->on_all_closed)
        core_->loop.post(std::exchange(core_->on_all_closed, nullptr));
}

void Session::wind_down() {
    switch (state_) {
        case State::opening:
            return close();
        case State::reading:
            if (!parser_.started()) close();
            return;
        case State::streaming:
            stream_open_ = false;
            if (closed_) post(&Session::tell_closed);
            return;
        case State::handling:
        case State::writing:
        case State::lingering:
        case State::closed:
            return;
    }
}

void Session::check_deadline(MonoTime now) {
    if (now < deadline_) return;
    if (state_ != State::lingering) ++core_->stats.timed_out;
    if (state_ == State::reading && parser_.started())
        return refuse({408, "the request did not arrive in time"});
    close();
}

// ---- input

void Session::await_request() {
    state_ = State::reading;
    head_deadline_set_ = body_deadline_set_ = false;
    deadline_ = core_->loop.mono_now() + core_->config.idle_timeout;
    if (core_->stopping && begin_ == end_) return close();
    process_input();
}

void Session::process_input() {
    if (begin_ < end_) begin_ += parser_.feed(waiting_input());
    if (begin_ == end_) begin_ = end_ = 0;
    if (parser_.fault()) {
        ++core_->stats.faults;
        return refuse(*parser_.fault());
    }
    if (parser_.complete()) return dispatch();
    if (input_ended_) return close();
    set_reading_deadline();
    read_more();
}

// The time for a header and for a body is counted from their beginnings, so that a client that
// sends a byte now and then is cut off too.
void Session::set_reading_deadline() {
    if (!parser_.started()) return;
    if (!parser_.head_complete()) {
        if (std::exchange(head_deadline_set_, true)) return;
        deadline_ = core_->loop.mono_now() + core_->config.header_timeout;
    } else {
        if (std::exchange(body_deadline_set_, true)) return;
        deadline_ = core_->loop.mono_now() + core_->config.body_timeout;
        if (parser_.expects_continue()) {
            queue(Body::of_static("HTTP/1.1 100 Continue\r\n\r\n"));
            flush();
        }
    }
}

void Session::read_more() {
    if (read_under_way_ || input_ended_) return;
    if (begin_ > 0 && end_ == input_.size()) {
        std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    // Twice the header's limit: what the parser wants in one piece is refused before it fills this.
    const std::size_t largest = 2 * core_->config.max_header_bytes;
    const bool in_body = state_ == State::reading && parser_.head_complete();
    if ((end_ == input_.size() || in_body) && input_.size() < largest)
        input_.resize(in_body ? largest : std::min(largest, 2 * input_.size()));
    if (end_ == input_.size()) return;
    read_under_way_ = true;
    start_read(std::span(input_).subspan(end_));
}

void Session::on_read(Outcome outcome, std::size_t count) {
    read_under_way_ = false;
    if (state_ == State::closed) return;
    if (outcome == Outcome::failed) return close();
    if (outcome == Outcome::ended) input_ended_ = true;
    end_ += count;
    switch (state_) {
        case State::reading:
            return process_input();
        case State::streaming:
            // Nobody who waits for more says that there is nothing more to say.
            if (input_ended_) return close();
            return read_more();
        case State::handling:
            return read_more();
        case State::lingering:
            if (input_ended_) return close();
            begin_ = end_ = 0;
            return read_more();
        case State::opening:
        case State::writing:
        case State::closed:
            return;
    }
}

void Session::dispatch() {
    state_ = State::handling;
    deadline_ = MonoTime::max();
    keep_alive_ = parser_.keep_alive();
    is_http_1_0_ = parser_.is_http_1_0();
    HttpRequest request = parser_.take();
    is_head_ = request.method == Method::head;
    request.peer_address = peer_address_;
    request.peer_port = peer_port_;
    request.tls = tls_info();
    ++core_->stats.requests;
    try {
        core_->handler(std::move(request), Responder(shared_from_this()));
    } catch (...) {
        // The responder went down with the stack and has answered 500.
    }
    // While the answer is being made, notice a client that breaks the connection.
    if (state_ == State::handling) read_more();
}

// ---- output

void Session::respond(HttpResponse response) {
    if (!core_->loop.on_loop()) {
        core_->loop.post([self = shared_from_this(), response = std::move(response)]() mutable {
            self->respond(std::move(response));
        });
        return;
    }
    if (state_ == State::handling) answer(std::move(response));
}

void Session::refuse(const RequestFault& fault) {
    refused_ = true;
    keep_alive_ = is_head_ = is_http_1_0_ = false;
    answer({fault.status,
            {{"Content-Type", "text/plain; charset=utf-8"}, {"X-Content-Type-Options", "nosniff"}},
            fault.message + "\n"});
}

void Session::answer(HttpResponse response) {
    state_ = State::writing;
    const bool has_body = status_has_body(response.status);
    queue_head(response, has_body ? Framing::length : Framing::none);
    if (has_body && !is_head_ && !response.body.empty()) queue(std::move(response.body));
    flush();
}

// Takes a small body along with the head.
void Session::queue_head(HttpResponse& head, Framing framing) {
    if (const auto connection = head.headers.find("Connection"))
        if (equals_ignoring_case(*connection, "close")) keep_alive_ = false;
    if (core_->stopping) keep_alive_ = false;
    const std::string_view body = head.body.view();
    const bool takes_body = framing == Framing::length && !is_head_ && body.size() <= kCopiedBytes;
    std::string text;
    text.reserve(512 + (takes_body ? body.size() : 0));
    append_head(text, head,
                {.framing = framing,
                 .content_length = body.size(),
                 .keep_stated_length = is_head_,
                 .connection = !keep_alive_   ? "close"
                               : is_http_1_0_ ? "keep-alive"
                                              : "",
                 .date = core_->date()});
    if (takes_body) {
        text += body;
        head.body = {};
    }
    queue(std::move(text));
}

void Session::queue(Body piece) {
    unsent_ += piece.size();
    queued_.push_back(std::move(piece));
}

void Session::flush() {
    if (write_under_way_) return;
    if (flying_first_ == flying_.size()) {
        flying_.clear();
        flying_first_ = flying_sent_ = 0;
        flying_.swap(queued_);
        if (flying_.empty()) return;
    }
    std::array<std::string_view, kPiecesAtOnce> pieces;
    std::size_t count = 0;
    for (std::size_t i = flying_first_; i < flying_.size() && count < kPiecesAtOnce; ++i)
        pieces[count++] = flying_[i].view();
    pieces[0].remove_prefix(flying_sent_);
    if (state_ != State::reading) deadline_ = core_->loop.mono_now() + core_->config.write_timeout;
    write_under_way_ = true;
    start_write(std::span(pieces).first(count));
}

void Session::on_written(bool succeeded, std::size_t count) {
    write_under_way_ = false;
    if (state_ == State::closed) return;
    if (!succeeded) return close();
    CHECK(count <= unsent_);
    unsent_ -= count;
    flying_sent_ += count;
    while (flying_first_ < flying_.size() && flying_sent_ >= flying_[flying_first_].size()) {
        flying_sent_ -= flying_[flying_first_].size();
        flying_[flying_first_++] = {};
    }
    if (unsent_ > 0) return flush();
    on_flushed();
}

void Session::on_flushed() {
    if (state_ == State::writing) return answer_done();
    if (state_ != State::streaming) return;
    deadline_ = MonoTime::max();
    if (std::exchange(wants_drain_, false)) tell_drained();
}

void Session::answer_done() {
    if (state_ != State::writing) return;
    if (keep_alive_)
        await_request();
    else
        linger();
}

// Closing a socket with unread input resets the connection, and the answer may be lost on its
// way: end the output, then read until the client has ended too, for a little while.
void Session::linger() {
    state_ = State::lingering;
    deadline_ = core_->loop.mono_now() + kLinger;
    start_shutdown(refused_);
}

void Session::on_shut_down() {
    if (state_ != State::lingering) return;
    if (input_ended_) return close();
    begin_ = end_ = 0;
    read_more();
}

// ---- streams

void Session::begin_stream(HttpResponse head) {
    CHECK(core_->loop.on_loop());
    if (state_ != State::handling) return;
    const bool has_body = status_has_body(head.status);
    chunked_ = has_body && !is_http_1_0_;
    if (is_http_1_0_) keep_alive_ = false;
    stream_open_ = has_body && !is_head_ && !core_->stopping;
    wants_drain_ = false;
    state_ = State::streaming;
    queue_head(head, chunked_ ? Framing::chunked : Framing::none);
    if (stream_open_ && !head.body.empty()) queue_chunk(std::move(head.body));
    flush();
    if (begin_ == end_ && !read_under_way_) input_ = std::vector<char>(kStreamInputBytes);
    read_more();
}

Exchange::Write Session::write(Body chunk) {
    if (state_ != State::streaming || !stream_open_) return Write::closed;
    if (chunk.empty()) return Write::accepted;
    if (unsent_ > 0 && unsent_ + chunk.size() > core_->config.stream_buffer_bytes) {
        wants_drain_ = true;
        return Write::full;
    }
    queue_chunk(std::move(chunk));
    flush();
    return Write::accepted;
}

void Session::queue_chunk(Body chunk) {
    const std::string_view bytes = chunk.view();
    if (!chunked_) return queue(std::move(chunk));
    if (bytes.size() <= kCopiedBytes)
        return queue(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
    queue(fmt::format("{:x}\r\n", bytes.size()));
    queue(std::move(chunk));
    queue(Body::of_static("\r\n"));
}

void Session::end_stream() {
    CHECK(core_->loop.on_loop());
    drained_ = nullptr;
    closed_ = nullptr;
    if (state_ != State::streaming) return;
    stream_open_ = false;
    state_ = State::writing;
    if (core_->stopping) keep_alive_ = false;
    if (chunked_ && !is_head_) queue(Body::of_static("0\r\n\r\n"));
    flush();
    if (unsent_ == 0) post(&Session::answer_done);
}

void Session::on_drained(runtime::Task task) {
    drained_ = std::move(task);
}

void Session::on_closed(runtime::Task task) {
    closed_ = std::move(task);
    if (state_ != State::streaming || !stream_open_) post(&Session::tell_closed);
}

void Session::tell_closed() {
    if (closed_) std::exchange(closed_, nullptr)();
}

void Session::tell_drained() {
    if (!drained_) return;
    runtime::Task task = std::move(drained_);
    drained_ = nullptr;
    task();
    if (!drained_ && state_ == State::streaming) drained_ = std::move(task);
}

void Session::post(void (Session::*step)()) {
    core_->loop.post([self = shared_from_this(), step] { (self.get()->*step)(); });
}

}  // namespace khronos::api
