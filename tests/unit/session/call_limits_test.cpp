#include "session/call_limits.hpp"

#include <gtest/gtest.h>

namespace parley {
namespace {

using enum CallLimits::Verdict;

class Limits : public ::testing::Test {
 protected:
  TimePoint began{std::chrono::hours(1)};
  LimitOptions options;
};

TEST_F(Limits, Silence_IsAskedAboutOnce_ThenEndsTheCall) {
  CallLimits limits(options, began);
  EXPECT_EQ(limits.tick(began + 14999ms), none);
  EXPECT_EQ(limits.tick(began + 15s), ask);
  EXPECT_EQ(limits.tick(began + 16s), none);
  EXPECT_EQ(limits.tick(began + 59s), none);
  EXPECT_EQ(limits.tick(began + 60s), silence_ends);
  EXPECT_EQ(limits.tick(began + 61s), none) << "the end is said once";
}

TEST_F(Limits, Speech_StartsTheSilenceAfresh) {
  CallLimits limits(options, began);
  EXPECT_EQ(limits.tick(began + 15s), ask);
  limits.activity(true, began + 50s);
  EXPECT_EQ(limits.tick(began + 2min), none) << "somebody speaks";
  limits.activity(false, began + 2min);
  EXPECT_EQ(limits.tick(began + 2min + 14s), none);
  EXPECT_EQ(limits.tick(began + 2min + 15s), ask);
}

TEST_F(Limits, Duration_EndsTheCall_EvenWhileSomebodySpeaks) {
  options.max_duration = 5min;
  CallLimits limits(options, began);
  limits.activity(true, began);
  EXPECT_EQ(limits.tick(began + 299s), none);
  EXPECT_EQ(limits.tick(began + 300s), duration_ends);
}

TEST_F(Limits, Nothing_IsLimitedWhenNothingIsSet) {
  options.max_duration.reset();
  options.silence.reset();
  CallLimits limits(options, began);
  EXPECT_EQ(limits.tick(began + 100h), none);
}

}  // namespace
}  // namespace parley
