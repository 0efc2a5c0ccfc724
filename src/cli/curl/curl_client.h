// The HTTP client on libcurl: one connection, kept open between requests.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "cli/http_client.h"

namespace khronos::cli {

class CurlClient final : public HttpClient {
  public:
    struct Config {
        std::string server;  // `http://127.0.0.1:10001`; a path is a prefix
        std::string token;   // sent as a bearer; empty: none
        Duration timeout = std::chrono::seconds(30);  // of one request; 0: none
        std::string user_agent = "khronos";
        std::string ca_file = {};    // instead of the system's authorities
        std::string cert_file = {};  // PEM, shown to an agent that asks who is calling
        std::string key_file = {};   // PEM; empty: in cert_file
    };

    explicit CurlClient(Config config);
    ~CurlClient() override;

    std::expected<HttpAnswer, std::string> send(const HttpAsk& ask) override;

  private:
    struct Handle;
    Config config_;
    std::unique_ptr<Handle> handle_;
};

}  // namespace khronos::cli
