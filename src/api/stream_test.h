// A reader of an event stream, for tests: takes an answer apart into events.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/json_text.h"
#include "api/world_test.h"

namespace khronos::api {

struct SeenEvent {
    std::string name;
    std::string data;
    std::string id;
    boost::json::value json() const {
        auto value = parse_json(data);
        return value ? *value : boost::json::value("no JSON: " + data);
    }
};

class StreamExchange final : public Exchange {
  public:
    std::optional<HttpResponse> head;
    std::string bytes;
    bool streaming = false;
    bool ended = false;
    bool blocked = false;
    std::move_only_function<void()> drained;
    std::move_only_function<void()> closed;

    void respond(HttpResponse response) override { head = std::move(response); }
    void begin_stream(HttpResponse response) override {
        bytes += response.body.view();
        head = std::move(response);
        streaming = true;
    }
    Write write(Body chunk) override {
        if (ended) return Write::closed;
        if (blocked) return Write::full;
        bytes += chunk.view();
        return Write::accepted;
    }
    void end_stream() override { ended = true; }
    void on_drained(std::move_only_function<void()> task) override { drained = std::move(task); }
    void on_closed(std::move_only_function<void()> task) override { closed = std::move(task); }
};

class Watcher {
  public:
    Watcher(World& world, std::string_view line, Headers headers = {}) : world_(world) {
        world.front.handle(World::request(line, "", std::move(headers)), Responder(exchange_));
        world.loop.run_until_idle();
    }

    const HttpResponse& head() const { return *exchange_->head; }
    bool ended() const { return exchange_->ended; }
    // What has come since the last call.
    std::vector<SeenEvent> take() {
        world_.loop.run_until_idle();
        std::vector<SeenEvent> events;
        SeenEvent event;
        for (std::size_t at = read_; at < exchange_->bytes.size();) {
            const std::size_t end = exchange_->bytes.find('\n', at);
            if (end == std::string::npos) break;
            const std::string line = exchange_->bytes.substr(at, end - at);
            at = end + 1;
            if (line.empty()) {
                if (!event.id.empty()) last_id_ = event.id;
                if (!event.data.empty()) events.push_back(event);
                event = {};
                read_ = at;
            } else if (line.starts_with("event: ")) {
                event.name = line.substr(7);
            } else if (line.starts_with("data: ")) {
                event.data = line.substr(6);
            } else if (line.starts_with("id: ")) {
                event.id = line.substr(4);
            }
        }
        return events;
    }
    std::vector<std::string> names() {
        std::vector<std::string> names;
        for (SeenEvent& event : take())
            names.push_back(std::move(event.name));
        return names;
    }
    const std::string& last_id() const { return last_id_; }
    void block(bool on) {
        exchange_->blocked = on;
        if (!on && exchange_->drained) exchange_->drained();
        world_.loop.run_until_idle();
    }
    void go_away() {
        if (exchange_->closed) std::exchange(exchange_->closed, nullptr)();
        world_.loop.run_until_idle();
    }

  private:
    World& world_;
    std::shared_ptr<StreamExchange> exchange_ = std::make_shared<StreamExchange>();
    std::size_t read_ = 0;
    std::string last_id_;
};

}  // namespace khronos::api
