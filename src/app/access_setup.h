// From the agent's settings to who may reach it: TLS, names, tokens.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "api/access.h"
#include "api/http/http_server.h"
#include "app/config.h"
#include "base/error.h"
#include "runtime/entropy.h"
#include "runtime/log.h"

namespace khronos::app {

std::optional<api::TlsConfig> tls_config(const AgentConfig& config);
api::AccessRules access_rules(const AgentConfig& config);

// The administrator's token in DATA-DIR/admin.token, made where there is none. The file is its
// owner's only; one that others can read is refused.
std::expected<std::string, Error> admin_token(const std::string& data_dir,
                                              runtime::Entropy& entropy);

// Empty where the settings ask for no tokens. On the loop it is given.
std::expected<std::unique_ptr<api::AccessControl>, Error> access_control(const AgentConfig& config,
                                                                         store::Store& store,
                                                                         runtime::Loop& loop,
                                                                         runtime::Entropy& entropy,
                                                                         runtime::Log& log);

}  // namespace khronos::app
