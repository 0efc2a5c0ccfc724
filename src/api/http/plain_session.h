// A connection without TLS.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "api/http/session.h"

namespace khronos::api {

class PlainSession final : public Session {
  public:
    PlainSession(std::shared_ptr<ServerCore> core, boost::asio::ip::tcp::socket socket,
                 std::string peer_address, std::uint16_t peer_port);

  protected:
    void start_transport() override { on_transport_started(true); }
    void start_read(std::span<char> into) override;
    void start_write(std::span<const std::string_view> pieces) override;
    void start_shutdown(bool unread) override;
    void close_transport() override;
    std::optional<TlsInfo> tls_info() const override { return std::nullopt; }

  private:
    std::shared_ptr<PlainSession> self() {
        return std::static_pointer_cast<PlainSession>(shared_from_this());
    }

    boost::asio::ip::tcp::socket socket_;
};

}  // namespace khronos::api
