#include "cli/verify_report.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <sstream>

namespace khronos::cli {
namespace {

cluster::VerifiedJob job(std::string name, std::uint64_t uid) {
    cluster::VerifiedJob one;
    one.name = std::move(name);
    one.uid = JobUid(uid);
    one.records = 5;
    one.verdict.ticks = 4;
    return one;
}

class VerifyReportTest : public testing::Test {
  protected:
    int report(bool as_json, bool quiet) {
        VerifyReport report(out_, as_json, quiet);
        report.add(job("good", 1));
        cluster::VerifiedJob bad = job("bad", 2);
        bad.deleted = true;
        bad.verdict.findings = {{"I1", "the tick X has no decision"}};
        report.add(bad);
        cluster::VerifiedJob old = job("old", 3);
        old.verdict.ticks_unknown = 2;
        report.add(old);
        cluster::Verified all;
        all.jobs = 3;
        all.jobs_unknown = 1;
        all.records = 15;
        all.ticks = 12;
        all.findings = 2;
        all.others = {{"I12", "shards/001/cursor: it is ahead"}};
        return report.end(all);
    }
    std::ostringstream out_;
};

TEST_F(VerifyReportTest, SaysOfEachJobWhatIsKnown) {
    EXPECT_EQ(report(false, false), 1);
    EXPECT_EQ(
        out_.str(),
        "ok       good: 5 records, 4 ticks derived\n"
        "VIOLATED bad (deleted): 5 records, 4 ticks derived\n"
        "         I1 the tick X has no decision\n"
        "UNKNOWN  old: 5 records, 4 ticks derived; 2 ticks have no record; it may have been "
        "forgotten\n"
        "VIOLATED I12 shards/001/cursor: it is ahead\n"
        "3 jobs, 15 records, 12 ticks derived: 2 violations; of 1 jobs not all can be told\n");
}

TEST_F(VerifyReportTest, QuietSaysOnlyWhatIsBroken) {
    EXPECT_EQ(report(false, true), 1);
    EXPECT_EQ(out_.str().find("good"), std::string::npos);
    EXPECT_EQ(out_.str().find("UNKNOWN"), std::string::npos);
    EXPECT_NE(out_.str().find("bad"), std::string::npos);
}

TEST_F(VerifyReportTest, AsJsonItIsOneObject) {
    EXPECT_EQ(report(true, false), 1);
    const auto all = boost::json::parse(out_.str()).as_object();
    EXPECT_EQ(all.at("jobs").as_array().size(), 3u);
    EXPECT_EQ(all.at("jobs").at(1).at("violations").at(0).at("invariant"), "I1");
    EXPECT_EQ(all.at("violations").to_number<int>(), 2);
}

TEST(VerifyReport, NothingBrokenIsStatusZero) {
    std::ostringstream out;
    EXPECT_EQ(VerifyReport(out, false, false).end({}), 0);
    EXPECT_EQ(out.str(), "0 jobs, 0 records, 0 ticks derived: no violation\n");
}

}  // namespace
}  // namespace khronos::cli
