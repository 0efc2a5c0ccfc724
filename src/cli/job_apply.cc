// `khronos job apply`: makes the jobs be as the documents say.
#include <fmt/format.h>

#include <ostream>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/job_saver.h"
#include "cli/progress.h"

namespace khronos::cli {

int job_apply(const Options& options, const JobApplyArgs& args, Session& session) {
    Talk talk(options, session);
    if (args.files.empty()) {
        talk.error("which file? say -f FILE, -f DIRECTORY, or -f - for standard input");
        return kUsage;
    }
    const auto documents = read_job_documents(talk, args.files);
    if (!documents) return kFailed;
    // Every document is checked before the first is saved: half of a change is worse than none.
    std::vector<JobChange> changes;
    bool good = true;
    Progress progress(options, session, "jobs checked", documents->size());
    for (const JobDocument& document : *documents) {
        progress.step();
        auto change = check_job(talk, document, brings_parent(*documents, document));
        good = good && change.has_value();
        if (change) changes.push_back(std::move(*change));
    }
    progress.clear();
    if (!good) return kFailed;
    for (const std::size_t i : parents_first(*documents)) {
        const JobDocument& document = (*documents)[i];
        if (changes[i].change != Change::unchanged && !args.dry_run && !save_job(talk, document)) {
            good = false;
            continue;
        }
        if (!options.quiet)
            session.out << fmt::format("job {} {}{}\n", printable(document.name),
                                       to_text(changes[i].change),
                                       args.dry_run ? " (dry run)" : "");
    }
    return good ? kDone : kFailed;
}

}  // namespace khronos::cli
