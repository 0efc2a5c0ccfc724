// For tests: a server on a loop of its own, and a client that sends exactly the bytes it is told.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "api/http/http_server.h"

namespace khronos::api {

class TestServer {
  public:
    explicit TestServer(HttpHandler handler, HttpServerConfig config = {})
        : server_(std::make_unique<HttpServer>(loop_, std::move(config), std::move(handler))) {
        const auto started = server_->start();
        EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().message);
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~TestServer() {
        on_loop([this] { server_.reset(); });
        loop_.stop();
        thread_.join();
    }

    std::uint16_t port() const { return server_->port(); }
    runtime::AsioLoop& loop() { return loop_; }
    HttpServer& server() { return *server_; }

    // Runs `step` on the loop and waits for its end.
    template <class Step>
    void on_loop(Step step) {
        std::promise<void> done;
        loop_.post([&] {
            step();
            done.set_value();
        });
        done.get_future().wait();
    }
    HttpServerStats stats() {
        HttpServerStats stats;
        on_loop([&] { stats = server_->stats(); });
        return stats;
    }
    // Stops the server and waits until it says that it has.
    void stop() {
        std::promise<void> stopped;
        loop_.post([&] { server_->stop([&] { stopped.set_value(); }); });
        stopped.get_future().wait();
    }

  private:
    runtime::AsioLoop loop_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

struct RawResponse {
    int status = 0;    // 0: the connection ended before a whole answer
    std::string head;  // with the status line
    std::string body;  // without chunk framing
    bool has(std::string_view line) const { return head.find(line) != std::string::npos; }
};

class RawClient {
  public:
    explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        // A test that would wait for ever fails instead.
        const timeval patience{30, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    RawClient(RawClient&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)),
          connected_(other.connected_),
          received_(std::move(other.received_)) {}
    ~RawClient() {
        if (fd_ >= 0) ::close(fd_);
    }

    bool connected() const { return connected_; }
    int fd() const { return fd_; }

    // False once the server has broken the connection.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void shutdown_write() { ::shutdown(fd_, SHUT_WR); }
    // Breaks the connection with a reset.
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(std::exchange(fd_, -1));
    }

    // One more piece of what the server sends; false at its end.
    bool receive_some() {
        char piece[16384];
        const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
        if (got <= 0) return false;
        received_.append(piece, static_cast<std::size_t>(got));
        return true;
    }
    // Everything up to the end of the connection.
    std::string receive_all() {
        while (receive_some()) {
        }
        return std::exchange(received_, {});
    }
    // Up to and with `end`; what came before the connection's end, if that comes first.
    std::string receive_until(std::string_view end) {
        std::size_t at;
        while ((at = received_.find(end)) == std::string::npos)
            if (!receive_some()) return std::exchange(received_, {});
        return take(at + end.size());
    }
    std::string receive_exactly(std::size_t count) {
        while (received_.size() < count)
            if (!receive_some()) return std::exchange(received_, {});
        return take(count);
    }

    RawResponse receive_response(bool to_head = false) {
        RawResponse response;
        const std::string head = receive_until("\r\n\r\n");
        if (!head.starts_with("HTTP/1.1 ") || !head.ends_with("\r\n\r\n")) return response;
        response.head = head;
        const int status = std::atoi(head.c_str() + 9);
        if (to_head || status == 204 || status == 304 || status == 100) {
            response.status = status;
            return response;
        }
        if (const std::size_t at = head.find("Content-Length: "); at != std::string::npos) {
            const auto length = std::strtoull(head.c_str() + at + 16, nullptr, 10);
            response.body = receive_exactly(length);
            if (response.body.size() == length) response.status = status;
        } else if (response.has("Transfer-Encoding: chunked")) {
            for (;;) {
                const std::string line = receive_until("\r\n");
                if (!line.ends_with("\r\n")) return response;
                const auto length = std::strtoull(line.c_str(), nullptr, 16);
                response.body += receive_exactly(length);
                if (receive_exactly(2) != "\r\n") return response;
                if (length == 0) break;
            }
            response.status = status;
        } else {
            response.body = receive_all();
            response.status = status;
        }
        return response;
    }

  private:
    std::string take(std::size_t count) {
        std::string taken = received_.substr(0, count);
        received_.erase(0, count);
        return taken;
    }

    int fd_;
    bool connected_ = false;
    std::string received_;
};

// Answers with what it was asked: method, path, query, body size, one a line.
inline void echo(HttpRequest request, Responder responder) {
    responder.send({200,
                    {{"Content-Type", "text/plain"}},
                    request.method_text + "\n" + request.path + "\n" + request.query + "\n" +
                        request.body + "\n"});
}

inline std::string get(std::string_view target, std::string_view fields = {}) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: t\r\n" + std::string(fields) + "\r\n";
}

}  // namespace khronos::api
