// The front door: every request comes in here, and every answer goes out.
//
// In this order: is it us whom the client means (Host), does a foreign page write (Origin), which
// route is it, may the caller use it, and then the route's handler.
#pragma once

#include <expected>
#include <string_view>

#include "api/http_types.h"
#include "api/router.h"
#include "api/routes.h"
#include "api/services.h"

namespace khronos::api {

class Front {
  public:
    explicit Front(Services& services);
    ~Front();
    Front(const Front&) = delete;

    // On the API's loop. The services must live until the last answer is given.
    void handle(HttpRequest request, Responder responder);

    const Router& router() const { return router_; }
    const EventHub& events() const { return context_.events; }

  private:
    void keep_house();  // and again each hour

    Services& services_;
    Context context_;
    Router router_;
    runtime::TimerId house_timer_;
};

// Whether the request may come in at all; a sentence why not. Hosts and origins: see AccessRules.
std::expected<void, std::string> check_host(const HttpRequest& request, const AccessRules& rules);
// Browsers say with Origin and Sec-Fetch-Site whose page sends a write; programs say nothing.
std::expected<void, std::string> check_origin(const HttpRequest& request, const AccessRules& rules);

}  // namespace khronos::api
