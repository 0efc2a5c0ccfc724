#include "api/http/plain_session.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/container/static_vector.hpp>

namespace khronos::api {

namespace asio = boost::asio;

PlainSession::PlainSession(std::shared_ptr<ServerCore> core, asio::ip::tcp::socket socket,
                           std::string peer_address, std::uint16_t peer_port)
    : Session(std::move(core), std::move(peer_address), peer_port), socket_(std::move(socket)) {}

void PlainSession::start_read(std::span<char> into) {
    socket_.async_read_some(asio::buffer(into.data(), into.size()),
                            [self = self()](boost::system::error_code error, std::size_t count) {
                                self->on_read(!error                      ? Outcome::done
                                              : error == asio::error::eof ? Outcome::ended
                                                                          : Outcome::failed,
                                              count);
                            });
}

void PlainSession::start_write(std::span<const std::string_view> pieces) {
    const auto then = [self = self()](boost::system::error_code error, std::size_t count) {
        self->on_written(!error, count);
    };
    if (pieces.size() == 1) {
        socket_.async_write_some(asio::const_buffer(pieces[0].data(), pieces[0].size()), then);
        return;
    }
    boost::container::static_vector<asio::const_buffer, kPiecesAtOnce> buffers;
    for (const std::string_view piece : pieces)
        buffers.emplace_back(piece.data(), piece.size());
    socket_.async_write_some(buffers, then);
}

void PlainSession::start_shutdown(bool) {
    boost::system::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    on_shut_down();
}

void PlainSession::close_transport() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

}  // namespace khronos::api
