// Lists out of a catalog of 100,000 jobs: what one request costs the API's loop.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "api/job_list.h"
#include "runtime/manual_loop.h"
#include "store/codec.h"

namespace khronos::api {
namespace {

struct Filled {
    runtime::ManualLoop loop;
    cluster::Catalog catalog{loop};

    explicit Filled(int count) {
        for (int i = 0; i < count; ++i) {
            core::Job job;
            job.uid = JobUid(static_cast<std::uint64_t>(i + 1));
            job.spec.name = fmt::format("team-{}-job-{:06}", i % 17, i);
            job.spec.display_name = fmt::format("Job {}", i);
            job.spec.schedule = fmt::format("0 {} * * * *", i % 60);
            job.spec.executor = "shell";
            job.spec.executor_config = {{"command", "/usr/bin/true"}};
            job.spec.metadata = {{"team", fmt::format("{}", i % 17)}};
            catalog.apply(job.spec.name, SharedBytes(store::encode(job)),
                          Revision(static_cast<std::uint64_t>(i + 1)));
            catalog.apply_stats(
                job.uid, {static_cast<std::uint64_t>(i * 7919 % 1000), 0, {}, {}, "success"});
        }
    }
};

void list(benchmark::State& state, JobListQuery query) {
    static Filled filled(100000);
    for (auto _ : state) {
        std::size_t total = 0;
        list_jobs(filled.catalog, filled.loop, query, [&](JobList list) { total = list.total; });
        filled.loop.run_until_idle();
        benchmark::DoNotOptimize(total);
    }
}

JobListQuery page(JobListQuery query = {}) {
    query.start = 50000;
    query.end = 50050;
    return query;
}
JobListQuery first_page(JobListQuery query) {
    query.start = 0;
    query.end = 50;
    return query;
}

BENCHMARK_CAPTURE(list, page_by_name, page())->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list, page_of_part_of_name, first_page({.q = "9999"}))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list, page_of_metadata, first_page({.metadata = {{"team", "3"}}}))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list, page_of_status, first_page({.status = "failed"}))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list, page_by_count,
                  first_page({.sort = JobListQuery::Sort::success_count, .descending = true}))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(list, page_by_next, first_page({.sort = JobListQuery::Sort::next}))
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace khronos::api
