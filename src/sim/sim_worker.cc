#include "sim/sim_worker.h"

#include <fmt/format.h>

#include "base/check.h"

namespace khronos::sim {

using core::AttemptId;

// The runner as the worker's process sees it.
class SimWorker::Host final : public worker::ProcessHost {
  public:
    Host(Machine& machine, SimLoop& loop) : machine_(machine), loop_(loop) {}
    ~Host() override { machine_.set_listener({}); }

    void set_handler(Handler handler) override { handler_ = std::move(handler); }
    void start() override {
        machine_.set_listener({
            [this](const AttemptId& id, WallTime at) {
                loop_.post([this, id, at] { handler_.on_started(id, at); });
            },
            [this](const AttemptId& id, std::string why) {
                loop_.post([this, id, why = std::move(why)] { handler_.on_refused(id, why); });
            },
            [this](const AttemptId& id, worker::ProcessEnd end) {
                loop_.post([this, id, end = std::move(end)] { handler_.on_ended(id, end); });
            },
        });
        loop_.post([this] { handler_.on_ready(machine_.known()); });
    }
    void stop(std::move_only_function<void()> done) override {
        machine_.set_listener({});
        loop_.post(std::move(done));
    }
    void run(worker::ProcessSpec spec) override { machine_.run(std::move(spec)); }
    void kill(const AttemptId& id, worker::KilledBy why, bool at_once) override {
        machine_.kill(id, why, at_once);
    }
    void extend_guards(MonoTime base, const std::vector<AttemptId>& except) override {
        machine_.extend_guards(base, except);
    }
    void forget(const AttemptId& id) override { machine_.forget(id); }
    void read_output(const AttemptId&, worker::OutputDone done) override {
        loop_.post([done = std::move(done)]() mutable { done(worker::Output{}); });
    }

  private:
    Machine& machine_;
    SimLoop& loop_;
    Handler handler_;
};

class SimWorker::Journal final : public worker::AttemptJournal {
  public:
    Journal(Machine& machine, SimLoop& loop, Seeded& random, Duration disk)
        : machine_(machine), loop_(loop), random_(random), disk_(disk) {}

    std::expected<Past, Error> load() override {
        return Past{machine_.notes().all(), !machine_.take_reboot()};
    }
    void append(const core::attempt::AttemptNote& note) override { machine_.notes().add(note); }
    void sync(std::move_only_function<void()> done) override {
        loop_.call_after(random_.between(Duration(0), disk_),
                         [this, done = std::move(done)]() mutable {
                             machine_.sync_notes();
                             done();
                         });
    }
    bool is_long() const override { return false; }
    void rewrite(const std::vector<core::attempt::AttemptNote>&) override {}

  private:
    Machine& machine_;
    SimLoop& loop_;
    Seeded& random_;
    Duration disk_;
};

// A port that turns some offers away before the worker hears of them.
class SimWorker::Link final : public wire::WorkerEnd {
  public:
    Link(Net& net, const std::string& worker, const std::string& agent, SimLoop& loop,
         Seeded& random, double refuses)
        : port_(net, worker, agent, loop), random_(random), refuses_(refuses) {}

    void send(core::FromWorker message) override { port_.send(std::move(message)); }
    void set_handler(Handler handler) override {
        handler_ = std::move(handler);
        port_.set_handler({
            [this] { handler_.on_connected(); },
            [this](core::ToWorker message) {
                const auto* offer = std::get_if<core::Offer>(&message);
                if (offer && random_.chance(refuses_))
                    return port_.send(core::Refused{offer->spec.id, core::Reason::no_worker,
                                                    "not now", true, offer->spec.shard});
                handler_.on_message(std::move(message));
            },
            [this] { handler_.on_gone(); },
            {},
        });
    }

  private:
    Net::WorkerPort port_;
    Seeded& random_;
    double refuses_;
    Handler handler_;
};

SimWorker::SimWorker(World& world, const WallClock& clock, Net& net, Machine& machine,
                     std::vector<std::string> agents, Rules rules, Seeded random)
    : loop_(world, clock), random_(random) {
    host_ = std::make_unique<Host>(machine, loop_);
    journal_ = std::make_unique<Journal>(machine, loop_, random_, rules.disk);
    std::vector<wire::WorkerEnd*> links;
    for (const std::string& agent : agents) {
        links_.push_back(
            std::make_unique<Link>(net, machine.worker(), agent, loop_, random_, rules.refuses));
        links.push_back(links_.back().get());
    }
    worker::WorkerConfig config;
    config.id = machine.worker();
    config.boot_id = fmt::format("{:016x}", random_.next());
    config.node = machine.worker();
    config.applications = rules.applications;
    config.tags = rules.tags;
    config.slots = rules.slots;
    config.type_quotas = rules.type_quotas;
    worker_ = std::make_unique<worker::Worker>(std::move(config), loop_, *host_, *journal_,
                                               std::map<std::string, worker::Executor*>{},
                                               std::move(links));
    const auto started = worker_->start();
    CHECK(started.has_value());
}

SimWorker::~SimWorker() = default;

}  // namespace khronos::sim
