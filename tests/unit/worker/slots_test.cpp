#include "worker/slots.hpp"

#include <gtest/gtest.h>

#include "worker/restart_budget.hpp"

namespace parley::worker {
namespace {

constexpr TimePoint kNow{std::chrono::hours(1)};

TEST(Slots, Full_Refuses_UntilOneIsFree) {
  Slots slots(2);
  EXPECT_TRUE(slots.take(kNow));
  EXPECT_TRUE(slots.take(kNow));
  EXPECT_FALSE(slots.take(kNow));
  slots.release();
  EXPECT_TRUE(slots.take(kNow));
}

TEST(Slots, Starved_AdmitsNoMoreThanThereAre_ThenOneMoreAtATime) {
  Slots slots(10);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(slots.take(kNow));
  slots.starved(kNow);
  EXPECT_FALSE(slots.take(kNow + 1s));
  EXPECT_TRUE(slots.take(kNow + Slots::kRecovery));
  EXPECT_FALSE(slots.take(kNow + Slots::kRecovery));
  EXPECT_EQ(slots.limit(kNow + 1h), 10u);
}

TEST(RestartBudget, SlowsDown_AndForgivesAfterAHealthyLife) {
  RestartBudget budget;
  EXPECT_EQ(budget.after(1s), RestartBudget::kFirst);
  EXPECT_EQ(budget.after(1s), RestartBudget::kFirst * 2);
  for (int i = 0; i < 20; ++i) EXPECT_LE(budget.after(0s), RestartBudget::kLongest);
  EXPECT_EQ(budget.after(1min), RestartBudget::kFirst);
}

}  // namespace
}  // namespace parley::worker
