// A connection under TLS, and the certificates it is under.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <expected>
#include <memory>

#include "api/http/session.h"

namespace khronos::api {

// TLS 1.2 or later. The error names the file and what is wrong with it.
std::expected<std::shared_ptr<boost::asio::ssl::context>, Error> make_tls_context(
    const TlsConfig& config);

std::shared_ptr<Session> make_tls_session(std::shared_ptr<ServerCore> core,
                                          boost::asio::ip::tcp::socket socket,
                                          std::shared_ptr<boost::asio::ssl::context> context,
                                          std::string peer_address, std::uint16_t peer_port);

}  // namespace khronos::api
