#include <gtest/gtest.h>

#include "job/journal_retention.hpp"

namespace parley::job {
namespace {

const WallTime kNow = *parse_iso8601("2026-11-21T12:00:00.000Z");

JournalEntry settled(std::string id, int hours_old, std::uint64_t bytes) {
  return {.call_id = std::move(id), .settled = true, .bytes = bytes, .modified = kNow - std::chrono::hours(hours_old)};
}
JournalEntry open(std::string id, int hours_old, std::uint64_t bytes, bool locked = false) {
  return {.call_id = std::move(id), .locked = locked, .bytes = bytes, .modified = kNow - std::chrono::hours(hours_old)};
}

using Ids = std::vector<std::string>;
const RetentionPolicy kDay{.keep = std::chrono::hours(24), .max_bytes = 1000};

TEST(Retention, OldOnesGo_YoungOnesStay) {
  const auto plan =
      plan_retention({settled("new", 1, 10), settled("old", 25, 10), settled("older", 48, 10)}, kDay, kNow);
  EXPECT_EQ(plan.remove, (Ids{"older", "old"}));
  EXPECT_EQ(plan.bytes_after, 10u);
  EXPECT_FALSE(plan.over_limit);
}

TEST(Retention, FullDirectory_LosesTheOldestUntilTheRestFits) {
  const auto plan = plan_retention({settled("c", 1, 600), settled("a", 3, 600), settled("b", 2, 600)}, kDay, kNow);
  EXPECT_EQ(plan.remove, (Ids{"a", "b"}));
  EXPECT_EQ(plan.bytes_after, 600u);
}

TEST(Retention, WorkLeftOrInUse_NeverGoes_AndTheOperatorCanTell) {
  const auto plan =
      plan_retention({open("pending", 100, 900), open("live", 100, 900, true), settled("s", 1, 5)}, kDay, kNow);
  EXPECT_EQ(plan.remove, (Ids{"s"}));
  EXPECT_EQ(plan.unfinished, 1u);
  EXPECT_TRUE(plan.over_limit);
}

TEST(Retention, FileFromTheFuture_IsNotOld) {
  EXPECT_TRUE(plan_retention({settled("f", -100, 10)}, kDay, kNow).remove.empty());
}

TEST(Retention, StackOfAKilledJob_GoesWithItsJournal_AndAloneWhenItIsOld) {
  const auto file = [](std::string name, int hours_old) {
    return DiskEntry{.name = std::move(name), .bytes = 10, .modified = kNow - std::chrono::hours(hours_old)};
  };
  const std::vector<DiskEntry> files{file("CA_old.AJ_1.stack", 30), file("CA_old.done", 30),        file("CA_new.AJ_2.stack", 30),
                                     file("CA_new.journal", 30),    file("CA_lost.AJ_3.stack", 30), file("CA_lately.AJ_4.stack", 2),
                                     file("notes.txt", 99)};
  RetentionPlan plan;
  plan.remove = {"CA_old"};
  EXPECT_EQ(plan_stacks(files, plan, kDay, kNow), (Ids{"CA_old.AJ_1.stack", "CA_lost.AJ_3.stack"}));
}

}  // namespace
}  // namespace parley::job
