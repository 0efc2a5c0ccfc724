#include "cluster/job_peek.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "store/codec.h"

namespace khronos::cluster {
namespace {

class PeekModel : public testing::TestWithParam<int> {};

TEST_P(PeekModel, AgreesWithTheCodec) {
    std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
    const auto text = [&](std::size_t most) {
        std::string made;
        for (std::size_t i = random() % (most + 1); i > 0; --i)
            made += static_cast<char>('a' + random() % 26);
        return made;
    };
    core::Job job;
    job.uid = JobUid(random());
    job.spec.name = "n" + text(200);
    job.spec.display_name = text(20);
    job.spec.schedule = text(20);
    job.spec.parent_job = text(3);
    job.spec.disabled = random() % 2 == 0;
    job.spec.retries = static_cast<std::uint32_t>(random());
    job.spec.retry_backoff = 1.5;
    for (int i = static_cast<int>(random() % 4); i > 0; --i) {
        job.spec.metadata[text(3)] = text(3);
        job.spec.tags[text(3)] = text(3);
        job.spec.executor_config[text(3)] = text(300);
    }
    job.created_at = WallTime{static_cast<std::int64_t>(random() >> 2)};
    const std::string record = store::encode(job);

    const auto peek = peek_job(record);
    ASSERT_TRUE(peek);
    EXPECT_TRUE(is_job_record(record));
    EXPECT_EQ(peek->uid, job.uid);
    EXPECT_EQ(peek->name, job.spec.name);
    EXPECT_EQ(peek_job_name(record), job.spec.name);
    EXPECT_EQ(peek->display_name, job.spec.display_name);
    EXPECT_EQ(peek->schedule, job.spec.schedule);
    EXPECT_EQ(peek->parent_job, job.spec.parent_job);
    EXPECT_EQ(peek->disabled, job.spec.disabled);
    for (const auto& [key, value] : job.spec.metadata) {
        EXPECT_TRUE(metadata_has(*peek, key, value));
        EXPECT_FALSE(metadata_has(*peek, key, value + "x"));
    }
    for (const auto& [key, value] : job.spec.tags)
        if (!job.spec.metadata.contains(key)) EXPECT_FALSE(metadata_has(*peek, key, value));
    for (const auto& [key, value] : job.spec.tags) {
        EXPECT_TRUE(tags_have(*peek, key, value));
        EXPECT_FALSE(tags_have(*peek, key, value + "x"));
    }
    EXPECT_EQ(application_of(*peek), job.spec.application);
}
INSTANTIATE_TEST_SUITE_P(Seeds, PeekModel, testing::Range(0, 50));

TEST(JobPeek, StaysInsideBytesThatAreNoJob) {
    core::Job job;
    job.uid = JobUid(7);
    job.spec.name = "name";
    job.spec.metadata = {{"k", "v"}};
    const std::string record = store::encode(job);
    for (std::size_t size = 0; size < record.size(); ++size) {
        // Cut anywhere; the bytes behind the cut would be read by a reader that goes too far.
        const std::string cut = record.substr(0, size);
        if (const auto peek = peek_job(cut)) EXPECT_EQ(peek->name, "name");
        peek_job_name(cut);
        is_job_record(cut);
    }
    // Cut within the document: its length says more than there is.
    EXPECT_FALSE(is_job_record(record.substr(0, record.find("name") + 3)));
    std::mt19937_64 random(1);
    for (int i = 0; i < 20000; ++i) {
        std::string noise = record;
        for (int n = 0; n < 3; ++n)
            noise[random() % noise.size()] = static_cast<char>(random());
        if (const auto peek = peek_job(noise)) {
            metadata_has(*peek, "k", "v");
            tags_have(*peek, "k", "v");
            application_of(*peek);
        }
        peek_job_name(noise);
        is_job_record(noise);
    }
    EXPECT_FALSE(peek_job("").has_value());
}

}  // namespace
}  // namespace khronos::cluster
