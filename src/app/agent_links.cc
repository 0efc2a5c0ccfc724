#include "app/agent_links.h"

#include <algorithm>
#include <utility>

namespace khronos::app {

AgentLinks::AgentLinks(Config config, runtime::Loop& loop, runtime::Entropy& entropy,
                       runtime::Log& log, worker::Worker& worker)
    : config_(std::move(config)), loop_(loop), entropy_(entropy), log_(log), worker_(worker) {}

AgentLinks::~AgentLinks() {
    *alive_ = false;
    if (timer_) loop_.cancel(*timer_);
    for (auto& [address, one] : links_)
        worker_.remove_link(one.id);
}

void AgentLinks::start() {
    settle();
    look();
}

void AgentLinks::set_agents(const std::set<std::string>& addresses) {
    agents_ = addresses;
    settle();
}

void AgentLinks::told_by(const std::string& address, std::vector<std::string> agents) {
    // Not now: the link that tells it may be one that is to go.
    loop_.post([this, alive = alive_, address, agents = std::move(agents)] {
        if (!*alive || !links_.contains(address)) return;
        set_agents({agents.begin(), agents.end()});
    });
}

void AgentLinks::look() {
    const bool led_nowhere = !agents_.empty() && connected() == 0 &&
                             std::ranges::any_of(config_.seeds, [&](const auto& seed) {
                                 return !agents_.contains(seed);
                             });
    if (led_nowhere) {
        keep_seeds_ = true;
        settle();
    }
    timer_ = loop_.call_after(config_.look_every, [this] { look(); });
}

// A seed may be another name of an agent that is in the list, which takes only one stream of a
// worker: so it goes as soon as the list is known.
void AgentLinks::settle() {
    std::set<std::string> wanted = agents_;
    if (agents_.empty() || keep_seeds_) wanted.insert(config_.seeds.begin(), config_.seeds.end());
    for (auto at = links_.begin(); at != links_.end();) {
        if (wanted.contains(at->first)) {
            ++at;
            continue;
        }
        worker_.remove_link(at->second.id);
        at = links_.erase(at);
    }
    for (const std::string& address : wanted) {
        if (links_.contains(address)) continue;
        wire::AgentLinkConfig config;
        config.address = address;
        config.join_token = config_.join_token;
        config.tls = config_.tls;
        One one;
        one.link =
            std::make_unique<wire::AgentLink>(std::move(config), loop_, entropy_, log_,
                                              [this, address](std::vector<std::string> agents) {
                                                  told_by(address, std::move(agents));
                                              });
        one.id = worker_.add_link(*one.link);
        one.link->start();
        links_.emplace(address, std::move(one));
    }
}

std::size_t AgentLinks::connected() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        links_, [](const auto& entry) { return entry.second.link->connected(); }));
}

std::vector<std::string> AgentLinks::addresses() const {
    std::vector<std::string> all;
    for (const auto& [address, one] : links_)
        all.push_back(address);
    return all;
}

}  // namespace khronos::app
