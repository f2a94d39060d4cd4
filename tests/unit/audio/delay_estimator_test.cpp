#include "audio/delay_estimator.hpp"

#include <gtest/gtest.h>

#include "signals.hpp"

namespace parley {
namespace {

using testing::at_ms;

// Packets every 20 ms; `late_ms(i)` later than the fastest.
template <class Late>
void feed(DelayEstimator& estimator, int from, int to, Late late_ms) {
  for (int i = from; i < to; ++i) estimator.arrived(Duration(20ms * i), at_ms(1000 + 20.0 * i + late_ms(i)));
}

TEST(DelayEstimator, EvenPackets_NeedTheLeastDelay) {
  DelayEstimator estimator;
  EXPECT_EQ(estimator.target(), kFirstPlayoutDelay);
  feed(estimator, 0, 500, [](int) { return 0; });
  EXPECT_EQ(estimator.target(), kMinPlayoutDelay);
}

TEST(DelayEstimator, Lateness_IsMeasuredAgainstTheFastest) {
  DelayEstimator estimator;
  EXPECT_FALSE(estimator.lateness(0ms, at_ms(0)));
  EXPECT_EQ(estimator.arrived(0ms, at_ms(50)), 0ms);
  EXPECT_EQ(estimator.arrived(20ms, at_ms(100)), 30ms);
  EXPECT_EQ(estimator.lateness(40ms, at_ms(80)).value(), -10ms);
  EXPECT_EQ(estimator.arrived(40ms, at_ms(80)), 0ms);
  EXPECT_EQ(estimator.arrived(60ms, at_ms(110)), 10ms);
}

TEST(DelayEstimator, Due_IsTheFastestArrivalPlusTheTarget) {
  DelayEstimator estimator;
  estimator.arrived(0ms, at_ms(50));
  EXPECT_EQ(estimator.due(100ms), at_ms(150) + estimator.target());
}

TEST(DelayEstimator, UniformJitter_IsCoveredByTheTarget) {
  DelayEstimator estimator;
  feed(estimator, 0, 1000, [](int i) { return i * 37 % 80; });
  EXPECT_GE(estimator.target(), 80ms);
  EXPECT_LE(estimator.target(), 85ms);
}

TEST(DelayEstimator, LatePackets_RaiseTheTargetAtOnce) {
  DelayEstimator estimator;
  feed(estimator, 0, 500, [](int) { return 0; });
  feed(estimator, 500, 501, [](int) { return 150; });
  EXPECT_GE(estimator.target(), 80ms) << "half way at the first";
  feed(estimator, 501, 503, [](int) { return 150; });
  EXPECT_GE(estimator.target(), 130ms) << "nearly all the way at the third";
}

TEST(DelayEstimator, OneStraggler_IsForgottenAtTenMillisecondsASecond) {
  DelayEstimator estimator;
  feed(estimator, 0, 500, [](int) { return 0; });
  feed(estimator, 500, 501, [](int) { return 150; });
  const auto raised = estimator.target();
  feed(estimator, 501, 551, [](int) { return 0; });
  EXPECT_LE(estimator.target(), raised - 8ms);
  EXPECT_GE(estimator.target(), raised - 11ms);
  feed(estimator, 551, 1200, [](int) { return 0; });
  EXPECT_EQ(estimator.target(), kMinPlayoutDelay);
}

TEST(DelayEstimator, WhateverComes_TheTargetKeepsItsLimits) {
  DelayEstimator estimator;
  feed(estimator, 0, 500, [](int i) { return i * 997 % 2000; });
  EXPECT_EQ(estimator.target(), kMaxPlayoutDelay);
}

TEST(DelayEstimator, SlowPathForGood_BecomesTheNewBase) {
  DelayEstimator estimator;
  feed(estimator, 0, 500, [](int) { return 0; });
  feed(estimator, 500, 560, [](int) { return 400; });
  EXPECT_EQ(estimator.lateness(20ms * 560, at_ms(1000 + 20.0 * 560 + 400)), 0ms);
}

TEST(DelayEstimator, SlowerByLessThanTheLimit_BecomesTheBaseWithinTenSeconds) {
  DelayEstimator estimator;
  feed(estimator, 0, 500, [](int) { return 0; });
  feed(estimator, 500, 1030, [](int) { return 50; });
  EXPECT_EQ(estimator.lateness(20ms * 1030, at_ms(1000 + 20.0 * 1030 + 50)), 0ms);
}

TEST(DelayEstimator, AfterALongPause_TheBaseIsMeasuredAnew) {
  DelayEstimator estimator;
  feed(estimator, 0, 100, [](int) { return 0; });
  EXPECT_EQ(estimator.arrived(100s, at_ms(101'000 + 90)), 0ms);
}

TEST(DelayEstimator, ForgottenBase_KeepsTheTarget) {
  DelayEstimator estimator;
  feed(estimator, 0, 500, [](int i) { return i * 37 % 80; });
  const auto target = estimator.target();
  estimator.forget_base();
  EXPECT_FALSE(estimator.lateness(0ms, at_ms(0)));
  EXPECT_EQ(estimator.target(), target);
}

}  // namespace
}  // namespace parley
