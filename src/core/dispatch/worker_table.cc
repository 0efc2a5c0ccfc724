#include "core/dispatch/worker_table.h"

#include <algorithm>
#include <utility>

namespace khronos::core {
namespace {

// A worker's former boots are remembered to notice one that still lives.
constexpr std::size_t kFormerBoots = 100;

std::uint32_t count_of(const std::map<std::string, std::uint32_t>& counts, const std::string& key) {
    const auto at = counts.find(key);
    return at == counts.end() ? 0 : at->second;
}

}  // namespace

std::string_view to_text(WorkerState state) {
    switch (state) {
        case WorkerState::ready:
            return "ready";
        case WorkerState::suspect:
            return "suspect";
        case WorkerState::draining:
            return "draining";
        case WorkerState::gone:
            return "gone";
        case WorkerState::rejected:
            return "rejected";
    }
    return "unknown";
}

std::string Needs::key() const {
    std::string key = application;
    const auto add = [&](std::string_view text) {
        key.push_back('\0');
        key.append(text);
    };
    add(type);
    add(only);
    add(avoid);
    add(to_text(balance));
    if (balance == Balance::round_robin) add(to_hex(turns));
    for (const auto& [tag, value] : tags) {
        add(tag);
        add(value);
    }
    return key;
}

// ---- who there is

WorkerTable::Worker* WorkerTable::worker_of(const WorkerId& id) {
    const auto at = workers_.find(id);
    return at == workers_.end() ? nullptr : &at->second;
}

const WorkerView* WorkerTable::find(const WorkerId& id) const {
    const auto at = workers_.find(id);
    return at == workers_.end() ? nullptr : &at->second.view;
}

bool WorkerTable::hello(const WorkerId& id, const Hello& hello, std::uint32_t used,
                        std::map<std::string, std::uint32_t> used_by_type, MonoTime now) {
    Worker& worker = workers_[id];
    WorkerView& view = worker.view;
    bool two_live = false;
    if (view.boot_id != hello.boot_id) {
        if (!view.boot_id.empty() && worker.former_boots.size() < kFormerBoots)
            worker.former_boots.insert(view.boot_id);
        two_live = worker.former_boots.contains(hello.boot_id);
        worker.rejected = false;
    }
    const WallTime last_heartbeat = view.last_heartbeat;
    view = {};
    view.id = id;
    view.node = hello.node;
    view.boot_id = hello.boot_id;
    view.applications = hello.applications;
    view.tags = hello.tags;
    view.slots = hello.slots;
    view.used = used;
    view.type_quotas = hello.type_quotas;
    view.connected = true;
    view.last_heartbeat = last_heartbeat;
    worker.used_by_type = std::move(used_by_type);
    worker.elsewhere_by_type.clear();
    worker.heard = now;
    worker.paused_until = {};
    worker.suspect = worker.says_draining = worker.followed = false;
    ++version_;
    return two_live;
}

void WorkerTable::gone(const WorkerId& id) {
    if (Worker* worker = worker_of(id)) worker->view.connected = false;
    ++version_;  // what avoided another one for its sake may go there now
}

void WorkerTable::reject(const WorkerId& id) {
    if (Worker* worker = worker_of(id)) worker->rejected = true;
}

bool WorkerTable::rejected(const WorkerId& id) const {
    const auto at = workers_.find(id);
    return at != workers_.end() && at->second.rejected;
}

void WorkerTable::drain(const WorkerId& id, bool on) {
    workers_[id].view.id = id;
    workers_[id].drained = on;
    ++version_;
}

void WorkerTable::load(const WorkerId& id, const Load& load) {
    Worker* worker = worker_of(id);
    if (!worker) return;
    worker->says_draining = load.draining;
    WorkerView& view = worker->view;
    view.used_elsewhere = load.used > view.used ? load.used - view.used : 0;
    worker->elsewhere_by_type.clear();
    for (const auto& [type, used] : load.used_by_type) {
        const std::uint32_t mine = count_of(worker->used_by_type, type);
        if (used > mine) worker->elsewhere_by_type[type] = used - mine;
    }
    ++version_;
}

void WorkerTable::heard(const WorkerId& id, MonoTime now) {
    Worker* worker = worker_of(id);
    if (!worker) return;
    worker->heard = now;
    if (worker->suspect) ++version_;
    worker->suspect = false;
}

std::vector<WorkerId> WorkerTable::silent_since(MonoTime then) {
    std::vector<WorkerId> silent;
    for (auto& [id, worker] : workers_) {
        if (!worker.view.connected || worker.suspect || worker.heard > then) continue;
        worker.suspect = true;
        silent.push_back(id);
    }
    if (!silent.empty()) ++version_;
    return silent;
}

void WorkerTable::pause(const WorkerId& id, WallTime until) {
    if (Worker* worker = worker_of(id)) worker->paused_until = until;
}

// ---- slots

void WorkerTable::take(const WorkerId& id, const std::string& type) {
    Worker* worker = worker_of(id);
    if (!worker) return;
    ++worker->view.used;
    if (!type.empty()) ++worker->used_by_type[type];
}

void WorkerTable::release(const WorkerId& id, const std::string& type) {
    Worker* worker = worker_of(id);
    if (!worker) return;
    if (worker->view.used > 0) --worker->view.used;
    if (const auto at = worker->used_by_type.find(type);
        at != worker->used_by_type.end() && --at->second == 0)
        worker->used_by_type.erase(at);
    ++version_;
}

// ---- who gets it

WorkerState WorkerTable::state_of(const Worker& worker) {
    if (worker.rejected) return WorkerState::rejected;
    if (!worker.view.connected) return WorkerState::gone;
    if (worker.suspect) return WorkerState::suspect;
    if (worker.drained || worker.says_draining) return WorkerState::draining;
    return WorkerState::ready;
}

bool WorkerTable::serves(const Worker& worker, const Needs& needs) {
    const WorkerView& view = worker.view;
    if (state_of(worker) != WorkerState::ready) return false;
    if (std::ranges::find(view.applications, needs.application) == view.applications.end())
        return false;
    for (const auto& [tag, value] : needs.tags) {
        const auto has = view.tags.find(tag);
        if (has == view.tags.end() || has->second != value) return false;
    }
    return true;
}

bool WorkerTable::has_room(const Worker& worker, const Needs& needs, WallTime now) {
    const WorkerView& view = worker.view;
    if (worker.paused_until > now || view.used + view.used_elsewhere >= view.slots) return false;
    const auto quota = view.type_quotas.find(needs.type);
    return quota == view.type_quotas.end() ||
           count_of(worker.used_by_type, needs.type) +
                   count_of(worker.elsewhere_by_type, needs.type) <
               quota->second;
}

std::vector<WorkerId> WorkerTable::serving(const Needs& needs) const {
    std::vector<WorkerId> ids;
    for (const auto& [id, worker] : workers_)
        if (serves(worker, needs)) ids.push_back(id);
    return ids;
}

std::optional<WorkerId> WorkerTable::pick(const Needs& needs, WallTime now) {
    std::vector<Worker*> able;
    for (auto& [id, worker] : workers_)
        if (serves(worker, needs)) able.push_back(&worker);
    if (!needs.only.empty()) {
        const auto it = std::ranges::find(able, needs.only, [](Worker* w) { return w->view.id; });
        // Gone for the moment: whoever is there may take it.
        if (it != able.end()) able = {*it};
    }
    // Where there is another one, it waits for that.
    if (able.size() > 1 && !needs.avoid.empty())
        std::erase_if(able, [&](const Worker* w) { return w->view.id == needs.avoid; });
    std::erase_if(able, [&](const Worker* w) { return !has_room(*w, needs, now); });
    if (able.empty()) return std::nullopt;
    return choose(able, needs)->view.id;
}

std::uint64_t WorkerTable::random() {
    // splitmix64
    std::uint64_t z = random_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

WorkerTable::Worker* WorkerTable::choose(const std::vector<Worker*>& free, const Needs& needs) {
    switch (needs.balance) {
        case Balance::round_robin:
            return least_placed(free, needs);
        case Balance::workload: {
            // Least undone relative to the slots; any of the equals.
            std::vector<Worker*> least;
            const auto undone = [](const Worker* w) {
                return std::uint64_t{w->view.used} + w->view.used_elsewhere;
            };
            for (Worker* worker : free) {
                if (!least.empty()) {
                    const std::uint64_t mine = undone(worker) * least[0]->view.slots;
                    const std::uint64_t theirs = undone(least[0]) * worker->view.slots;
                    if (mine > theirs) continue;
                    if (mine < theirs) least.clear();
                }
                least.push_back(worker);
            }
            return least_placed(least, needs);
        }
        case Balance::random:
        case Balance::broadcast:
        case Balance::unknown:
            return free[random() % free.size()];
    }
    return free.front();
}

WorkerTable::Worker* WorkerTable::least_placed(const std::vector<Worker*>& free,
                                               const Needs& needs) {
    // Members are all that serve it, full ones too: they are not passed over for good.
    std::uint64_t members = 0;
    for (const auto& [id, worker] : workers_)
        if (serves(worker, needs)) members = members * 31 + stable_hash(id);
    Turns& turns = turns_[needs.turns];
    if (turns.members != members) turns = {members, {}};
    Worker* best = nullptr;
    std::uint32_t fewest = 0;
    for (Worker* worker : free) {
        const auto at = turns.placed.find(worker->view.id);
        const std::uint32_t placed = at == turns.placed.end() ? 0 : at->second;
        if (best && placed >= fewest) continue;
        best = worker;
        fewest = placed;
    }
    return best;
}

void WorkerTable::placed(JobUid job, const WorkerId& id) {
    ++turns_[job].placed[id];
}

const WorkerTable::Turns* WorkerTable::turns(JobUid job) const {
    const auto at = turns_.find(job);
    return at == turns_.end() ? nullptr : &at->second;
}

// ---- heartbeats

void WorkerTable::heartbeat(const WorkerId& id, Look look, WallTime at) {
    Look& last = looks_.try_emplace(id, look).first->second;
    if (Worker* worker = worker_of(id)) {
        worker->view.last_heartbeat = at;
        const std::string& here = worker->view.boot_id;
        if (last.boot_id == here && !look.boot_id.empty() && look.boot_id != here)
            worker->followed = true;
    }
    // The same one told again, by a list, is no new look.
    if (last.heartbeat != look.heartbeat) last = std::move(look);
}

bool WorkerTable::followed(const WorkerId& id) const {
    const auto at = workers_.find(id);
    return at != workers_.end() && at->second.followed;
}

const WorkerTable::Look& WorkerTable::look(const WorkerId& id, MonoTime now) {
    return looks_.try_emplace(id, Look{Revision{}, now, {}}).first->second;
}

// ---- views

bool WorkerTable::connected(const WorkerId& id) const {
    const auto at = workers_.find(id);
    return at != workers_.end() && at->second.view.connected;
}

std::vector<WorkerId> WorkerTable::connected() const {
    std::vector<WorkerId> ids;
    for (const auto& [id, worker] : workers_)
        if (worker.view.connected) ids.push_back(id);
    return ids;
}

std::vector<WorkerView> WorkerTable::views() const {
    std::vector<WorkerView> views;
    for (const auto& [id, worker] : workers_) {
        views.push_back(worker.view);
        views.back().state = state_of(worker);
    }
    return views;
}

}  // namespace khronos::core
