#include "app/access_setup.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "api/front.h"

namespace khronos::app {
namespace {

class CountingEntropy final : public runtime::Entropy {
  public:
    std::uint64_t next() override { return ++last_; }

  private:
    std::uint64_t last_ = 0;
};

struct Directory {
    std::string path;
    Directory() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "access_setup_XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    ~Directory() { std::filesystem::remove_all(path); }
    std::string file() const { return path + "/admin.token"; }
};

TEST(AdminToken, IsMadeOnceForItsOwnerOnly) {
    Directory directory;
    CountingEntropy entropy;
    const auto first = admin_token(directory.path, entropy);
    ASSERT_TRUE(first) << first.error().message;
    EXPECT_EQ(first->size(), 85U);
    struct stat status{};
    ASSERT_EQ(::stat(directory.file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(*admin_token(directory.path, entropy), *first) << "the next start keeps it";
}

TEST(AdminToken, AFileThatOthersCanReadOrThatHoldsNoneIsRefused) {
    Directory directory;
    CountingEntropy entropy;
    ASSERT_TRUE(admin_token(directory.path, entropy));
    ::chmod(directory.file().c_str(), 0640);
    EXPECT_NE(admin_token(directory.path, entropy).error().message.find("chmod 600"),
              std::string::npos);
    ::chmod(directory.file().c_str(), 0600);
    std::ofstream(directory.file()) << "admin\n";
    EXPECT_FALSE(admin_token(directory.path, entropy));
    std::ofstream(directory.file()) << "";
    EXPECT_FALSE(admin_token(directory.path, entropy));
}

TEST(AccessRules, KnowTheNamesThatTheAgentIsCalledBy) {
    AgentConfig config;
    config.node = "agent-1";
    config.bind_ip = "0.0.0.0";
    config.hosts = {"khronos.example.org"};
    const api::AccessRules rules = access_rules(config);
    api::HttpRequest request;
    for (const char* host : {"agent-1", "khronos.example.org:10001", "10.0.0.7:10001",
                             "[2001:db8::1]:10001", "localhost"}) {
        request.host = host;
        EXPECT_TRUE(api::check_host(request, rules)) << host;
    }
    for (const char* host :
         {"evil.example", "10.0.0.7.evil.example", "1.2.3", "1.2.3.4.5", "[g]", "1.2.3.4444", ""}) {
        request.host = host;
        EXPECT_FALSE(api::check_host(request, rules)) << host;
    }
    config.bind_ip = "192.0.2.1";
    request.host = "10.0.0.7";
    EXPECT_FALSE(api::check_host(request, access_rules(config)));
    request.host = "192.0.2.1:10001";
    EXPECT_TRUE(api::check_host(request, access_rules(config)));
}

TEST(TlsSettings, AsTheServerTakesThem) {
    AgentConfig config;
    EXPECT_FALSE(tls_config(config));
    config.tls_cert = "a.pem";
    config.tls_key = "b.pem";
    using Client = api::TlsConfig::ClientCertificate;
    EXPECT_EQ(*tls_config(config), (api::TlsConfig{"a.pem", "b.pem", "", Client::none}));
    config.tls_client_ca = "ca.pem";
    EXPECT_EQ(tls_config(config)->client_certificate, Client::optional);
    config.tls_client = TlsClient::required;
    EXPECT_EQ(tls_config(config)->client_certificate, Client::required);
}

}  // namespace
}  // namespace khronos::app
