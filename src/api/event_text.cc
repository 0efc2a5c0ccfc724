#include "api/event_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <unordered_map>

#include "api/execution_json.h"
#include "api/job_view.h"
#include "api/json_text.h"
#include "api/member_json.h"
#include "api/shard_json.h"
#include "store/codec.h"
#include "store/keys.h"

namespace khronos::api {
namespace {

namespace json = boost::json;
namespace keys = store::keys;

struct KindName {
    EventKind kind;
    std::string_view name;
};
constexpr KindName kKinds[] = {
    {EventKind::job, "job"},     {EventKind::execution, "execution"},
    {EventKind::agent, "agent"}, {EventKind::worker, "worker"},
    {EventKind::shard, "shard"}, {EventKind::settings, "settings"},
};

constexpr std::string_view kAgents = "agents/";
constexpr std::string_view kWorkers = "workers/";

// Makes the events of one batch.
class Maker {
  public:
    Maker(Services& services, std::uint32_t wanted) : services_(services), wanted_(wanted) {}

    void take(const store::WatchEvent& change) {
        const std::string_view key = change.kv.key;
        if (key.starts_with(keys::kExecutions))
            execution(change);
        else if (key.starts_with(keys::kJobs))
            job(change);
        else if (key.starts_with(keys::kStats))
            counted_.push_back(&change);
        else if (key.starts_with(keys::kShards))
            shard(change);
        else if (key == keys::kSubmissionsPaused)
            add(change, EventKind::settings, "", "settings",
                json::object{{"paused", !change.deleted}});
        else if (key.starts_with(kAgents))
            agent(change, key.substr(kAgents.size()));
        else if (key.starts_with(kWorkers))
            worker(change, key.substr(kWorkers.size()));
    }
    EventBatch take_all() {
        for (const store::WatchEvent* change : counted_)
            stats(*change);
        if (!counted_.empty())
            std::stable_sort(batch_.begin(), batch_.end(),
                             [](const auto& a, const auto& b) { return a.revision < b.revision; });
        return std::move(batch_);
    }

  private:
    bool wants(EventKind kind) const { return (wanted_ >> static_cast<unsigned>(kind) & 1U) != 0; }

    void add(const store::WatchEvent& change, EventKind kind, std::string_view job,
             std::string_view name, const json::value& data) {
        if (wants(kind))
            batch_.push_back(
                {change.kv.mod_revision, kind, std::string(job), event_frame(name, data)});
    }

    void execution(const store::WatchEvent& change) {
        if (!wants(EventKind::execution) && !wants(EventKind::job)) return;
        if (change.deleted) {
            std::string id = change.kv.key.substr(keys::kExecutions.size());
            std::replace(id.begin(), id.end(), '/', '-');
            add(change, EventKind::execution, "", "execution_deleted", json::object{{"id", id}});
            return;
        }
        const auto record = store::decode<core::Execution>(change.kv.value.view());
        if (!record) return;
        names_[record->id.uid] = record->job_name;
        if (wants(EventKind::execution))
            add(change, EventKind::execution, record->job_name, "execution", to_json(*record));
    }

    void job(const store::WatchEvent& change) {
        if (!wants(EventKind::job)) return;
        if (change.deleted) {
            if (const auto name = keys::job_name_of(change.kv.key))
                add(change, EventKind::job, *name, "job_deleted", json::object{{"name", *name}});
            return;
        }
        const auto record = store::decode<core::Job>(change.kv.value.view());
        if (!record) return;
        names_[record->uid] = record->spec.name;
        add(change, EventKind::job, record->spec.name, "job",
            job_answer(services_, *record, services_.catalog.stats(record->uid)));
    }

    // The end of a run writes its job's counters in the same transaction as its record, which
    // says the job's name.
    void stats(const store::WatchEvent& change) {
        if (!wants(EventKind::job) || change.deleted) return;
        const auto uid = keys::stats_uid_of(change.kv.key);
        if (!uid) return;
        const auto name = names_.find(*uid);
        if (name == names_.end()) return;
        const auto* entry = services_.catalog.find(name->second);
        const auto counted = store::decode<core::JobStats>(change.kv.value.view());
        if (!entry || entry->uid != *uid || !counted) return;
        add(change, EventKind::job, name->second, "job", job_answer(services_, *entry, *counted));
    }

    void shard(const store::WatchEvent& change) {
        if (!wants(EventKind::shard) || change.deleted) return;
        const auto place = keys::shard_key_of(change.kv.key);
        if (!place || place->part != keys::ShardPart::owner) return;
        const auto owner = store::decode<core::Owner>(change.kv.value.view());
        if (!owner) return;
        add(change, EventKind::shard, "", "shard", to_json(ShardView{place->shard, *owner}));
    }

    void agent(const store::WatchEvent& change, std::string_view id) {
        if (!wants(EventKind::agent)) return;
        if (change.deleted)
            return add(change, EventKind::agent, "", "agent_deleted",
                       json::object{{"agent", valid_utf8(id)}});
        const auto session = store::decode<core::AgentSession>(change.kv.value.view());
        if (!session) return;
        json::object data = to_json(member_of(*session), MemberForm::in_list);
        data.emplace("agent", valid_utf8(id));
        add(change, EventKind::agent, "", "agent", data);
    }

    void worker(const store::WatchEvent& change, std::string_view id) {
        if (!wants(EventKind::worker)) return;
        add(change, EventKind::worker, "", change.deleted ? "worker_deleted" : "worker",
            json::object{{"id", valid_utf8(id)}});
    }

    Services& services_;
    const std::uint32_t wanted_;
    EventBatch batch_;
    std::vector<const store::WatchEvent*> counted_;
    std::unordered_map<JobUid, std::string> names_;
};

}  // namespace

std::expected<EventFilter, Error> event_filter_of(const QueryParameters& query) {
    EventFilter filter;
    filter.job = query.get("job").value_or("");
    std::uint32_t kinds = 0;
    for (std::string_view words : query.all("kinds")) {
        while (!words.empty()) {
            const std::size_t comma = std::min(words.find(','), words.size());
            const std::string_view word = words.substr(0, comma);
            words.remove_prefix(std::min(comma + 1, words.size()));
            const auto* known = std::find_if(std::begin(kKinds), std::end(kKinds),
                                             [&](const KindName& k) { return k.name == word; });
            if (known == std::end(kKinds))
                return std::unexpected(
                    invalid("kinds", fmt::format("'{}' is not one of job, execution, agent, "
                                                 "worker, shard, settings",
                                                 valid_utf8(word.substr(0, 64)))));
            kinds |= 1U << static_cast<unsigned>(known->kind);
        }
    }
    if (kinds != 0) filter.kinds = kinds;
    return filter;
}

HttpResponse event_stream_head() {
    return {200,
            {{"Content-Type", "text/event-stream"},
             {"Cache-Control", "no-store"},
             {"X-Accel-Buffering", "no"}},
            Body::of_static("retry: 1000\n\n")};
}

std::string event_frame(std::string_view name, const json::value& data) {
    // Compact JSON has no line break, which would end the field.
    return fmt::format("event: {}\ndata: {}\n", name, write_json(data));
}

std::string_view watched_begin() {
    return kAgents;
}

std::string watched_end() {
    return store::prefix_end(kWorkers);
}

EventBatch events_of(Services& services, const std::vector<store::WatchEvent>& changes,
                     std::uint32_t wanted) {
    Maker maker(services, wanted);
    for (const store::WatchEvent& change : changes)
        maker.take(change);
    return maker.take_all();
}

std::string text_of(const EventBatch& batch, const EventFilter& filter, Revision after) {
    const auto fits = [&](const EventItem& item) {
        return item.revision > after && filter.wants(item.kind) &&
               (filter.job.empty() || filter.job == item.job);
    };
    std::string text;
    const EventItem* last = nullptr;
    const auto end_event = [&](const EventItem* next) {
        if (!last) return;
        if (!next || next->revision != last->revision)
            text += fmt::format("id: {}\n", last->revision.value);
        text += '\n';
    };
    for (const EventItem& item : batch) {
        if (!fits(item)) continue;
        end_event(&item);
        text += item.frame;
        last = &item;
    }
    end_event(nullptr);
    return text;
}

}  // namespace khronos::api
