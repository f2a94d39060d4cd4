#include "livekit/worker/job_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::livekit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr TimePoint kStart{1h};

// "AJ_1 running", "AJ_2 failed: why".
std::vector<std::string> told(JobTable& table, std::int64_t mark = 1) {
  std::vector<std::string> lines;
  for (const auto& update : table.take_untold(mark)) {
    const auto* status = update.status == JobStatus::running ? " running" : update.status == JobStatus::success ? " success" : " failed";
    lines.push_back(update.job_id + status + (update.error.empty() ? "" : ": " + update.error));
  }
  return lines;
}

TEST(JobTable, JobIsRunningFromItsAssignment_AndNotBefore) {
  JobTable table;
  ASSERT_TRUE(table.accept("AJ_1", "agent", kStart));
  EXPECT_THAT(told(table), IsEmpty());
  EXPECT_EQ(table.assigned("AJ_1"), "agent");
  EXPECT_THAT(told(table), ElementsAre("AJ_1 running"));
  EXPECT_THAT(told(table), IsEmpty());
}

TEST(JobTable, AssignmentOfWhatWasNotAccepted_OrTwice_IsNone) {
  JobTable table;
  EXPECT_FALSE(table.assigned("AJ_1"));
  ASSERT_TRUE(table.accept("AJ_1", "", kStart));
  EXPECT_TRUE(table.assigned("AJ_1"));
  EXPECT_FALSE(table.assigned("AJ_1"));
  EXPECT_FALSE(table.accept("AJ_1", "", kStart));
}

TEST(JobTable, AcceptedOnes_ExpireAtTheirTime_AndOnlyThose) {
  JobTable table;
  table.accept("AJ_1", "", kStart + 1s);
  table.accept("AJ_2", "", kStart + 2s);
  table.accept("AJ_3", "", kStart + 1s);
  table.assigned("AJ_3");
  EXPECT_EQ(table.next_expiry(), kStart + 1s);
  EXPECT_THAT(table.take_expired(kStart + 1s - 1ns), IsEmpty());
  EXPECT_THAT(table.take_expired(kStart + 1s), ElementsAre("AJ_1"));
  EXPECT_FALSE(table.assigned("AJ_1")) << "its slot is another's";
  EXPECT_THAT(table.take_accepted(), ElementsAre("AJ_2"));
  EXPECT_EQ(table.next_expiry(), std::nullopt);
}

TEST(JobTable, Statuses_AreToldInTheOrderInWhichTheyHappened_OnlyTheLatestOfEachJob) {
  JobTable table;
  table.status("AJ_2", JobStatus::running, "");
  table.status("AJ_1", JobStatus::running, "");
  table.status("AJ_2", JobStatus::failed, "why");
  EXPECT_THAT(told(table), ElementsAre("AJ_1 running", "AJ_2 failed: why"));
}

TEST(JobTable, NothingFollowsAnEnd) {
  JobTable table;
  table.status("AJ_1", JobStatus::success, "");
  table.status("AJ_1", JobStatus::running, "");
  table.status("AJ_1", JobStatus::failed, "late");
  EXPECT_THAT(told(table), ElementsAre("AJ_1 success"));
}

TEST(JobTable, EndIsKeptUntilItIsConfirmed_RunningJobsForEver) {
  JobTable table;
  table.status("AJ_1", JobStatus::running, "");
  table.status("AJ_2", JobStatus::success, "");
  told(table, 7);
  table.confirmed(6);
  EXPECT_EQ(table.unconfirmed_ends(), 1u);
  table.tell_again();
  EXPECT_THAT(told(table, 9), ElementsAre("AJ_1 running", "AJ_2 success"));
  table.confirmed(9);
  EXPECT_EQ(table.unconfirmed_ends(), 0u);
  table.tell_again();
  EXPECT_THAT(told(table), ElementsAre("AJ_1 running"));
}

TEST(JobTable, EndAfterThePing_IsNotConfirmedByIt) {
  JobTable table;
  table.status("AJ_1", JobStatus::running, "");
  told(table, 7);
  table.status("AJ_1", JobStatus::success, "");
  table.confirmed(7);
  EXPECT_THAT(told(table, 8), ElementsAre("AJ_1 success"));
}

TEST(JobTable, Full_TheOldestEndGoes_AndIsCounted) {
  JobTable table(3);
  table.status("AJ_1", JobStatus::running, "");
  table.status("AJ_2", JobStatus::success, "");
  table.status("AJ_3", JobStatus::success, "");
  EXPECT_FALSE(table.full());
  EXPECT_TRUE(table.accept("AJ_4", "", kStart));
  EXPECT_EQ(table.dropped(), 1u);
  EXPECT_THAT(told(table), ElementsAre("AJ_1 running", "AJ_3 success"));
}

TEST(JobTable, FullOfJobsThatGoOn_TakesNoMore) {
  JobTable table(2);
  table.status("AJ_1", JobStatus::running, "");
  table.accept("AJ_2", "", kStart);
  EXPECT_TRUE(table.full());
  EXPECT_FALSE(table.accept("AJ_3", "", kStart));
  table.status("AJ_4", JobStatus::success, "");
  EXPECT_EQ(table.dropped(), 1u);
  EXPECT_EQ(table.size(), 2u);
}

}  // namespace
}  // namespace parley::livekit
