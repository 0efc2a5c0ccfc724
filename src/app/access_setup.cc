#include "app/access_setup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/openssl/sha256.h"

namespace khronos::app {
namespace {

std::unexpected<Error> failed(const std::string& path, std::string_view what) {
    return std::unexpected(
        Error{ErrorKind::unavailable, "", fmt::format("the token's file {} {}", path, what)});
}

std::expected<std::string, Error> read_token(const std::string& path, int file) {
    struct stat status{};
    if (::fstat(file, &status) != 0) return failed(path, std::strerror(errno));
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return failed(path, "can be read by others: chmod 600, or delete it and a new one is made");
    std::array<char, 512> bytes{};
    const ssize_t got = ::read(file, bytes.data(), bytes.size());
    if (got < 0) return failed(path, std::strerror(errno));
    std::string text(bytes.data(), static_cast<std::size_t>(got));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    if (text.size() < api::kRootTokenBytes)
        return failed(path, "holds no token; delete it and a new one is made");
    return text;
}

std::expected<std::string, Error> write_token(const std::string& path, const std::string& token) {
    // Whole or not at all: a start that is cut off leaves no half token behind.
    const std::string draft = path + ".new";
    ::unlink(draft.c_str());
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return failed(path, std::strerror(errno));
    const std::string line = token + "\n";
    const bool written =
        ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
        ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    if (!written || ::rename(draft.c_str(), path.c_str()) != 0)
        return failed(path, std::strerror(written ? errno : error));
    return token;
}

}  // namespace

std::optional<api::TlsConfig> tls_config(const AgentConfig& config) {
    if (config.tls_cert.empty()) return std::nullopt;
    using Client = api::TlsConfig::ClientCertificate;
    api::TlsConfig tls{config.tls_cert, config.tls_key, config.tls_client_ca, Client::none};
    if (!config.tls_client_ca.empty())
        tls.client_certificate =
            config.tls_client == TlsClient::required ? Client::required : Client::optional;
    return tls;
}

api::AccessRules access_rules(const AgentConfig& config) {
    api::AccessRules rules;
    rules.hosts = config.hosts;
    rules.hosts.push_back(config.node);
    rules.hosts.push_back(config.bind_ip);
    if (!config.advertise.empty()) rules.hosts.push_back(config.advertise);
    rules.any_address = config.bind_ip == "0.0.0.0" || config.bind_ip == "::";
    rules.origins = config.origins;
    return rules;
}

std::expected<std::string, Error> admin_token(const std::string& data_dir,
                                              runtime::Entropy& entropy) {
    const std::string path = data_dir + "/admin.token";
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file >= 0) {
        auto token = read_token(path, file);
        ::close(file);
        return token;
    }
    if (errno != ENOENT) return failed(path, std::strerror(errno));
    return write_token(path, api::make_token(entropy, runtime::sha256).text);
}

std::expected<std::unique_ptr<api::AccessControl>, Error> access_control(const AgentConfig& config,
                                                                         store::Store& store,
                                                                         runtime::Loop& loop,
                                                                         runtime::Entropy& entropy,
                                                                         runtime::Log& log) {
    if (!config.auth) return nullptr;
    api::AccessControl::Config access;
    if (!config.root_token.empty()) {
        access.root_tokens.push_back(config.root_token);
    } else {
        auto token = admin_token(config.data_dir, entropy);
        if (!token) return std::unexpected(token.error());
        access.root_tokens.push_back(std::move(*token));
        log.info("the administrator's token is in a file",
                 {{"file", config.data_dir + "/admin.token"}});
    }
    switch (config.tls_client_role) {
        case CertificateRole::none:
            break;
        case CertificateRole::viewer:
            access.certificate_role = api::Permission::viewer;
            break;
        case CertificateRole::runner:
            access.certificate_role = api::Permission::runner;
            break;
        case CertificateRole::editor:
            access.certificate_role = api::Permission::editor;
            break;
        case CertificateRole::admin:
            access.certificate_role = api::Permission::admin;
            break;
    }
    access.on_unreadable = [&log](const std::string& what) { log.warn(what); };
    return std::make_unique<api::AccessControl>(store, loop, runtime::sha256, std::move(access));
}

}  // namespace khronos::app
