#include "voice/recording_timeline.hpp"

#include <gtest/gtest.h>

namespace parley::voice {
namespace {

class Timeline : public ::testing::Test {
 protected:
  static AudioFrame frame(std::int16_t value) { return {.samples = std::vector<std::int16_t>(kTransportFrameSamples, value)}; }
  TimePoint at(Duration since) const { return began + since; }
  // What is at 20 ms number `slot`.
  std::pair<int, int> heard(std::size_t slot) const { return slot < pairs.size() ? pairs[slot] : std::pair(-1, -1); }

  const TimePoint began{1h};
  std::vector<std::pair<int, int>> pairs;  // caller, agent
  RecordingTimeline timeline{began, [this](std::unique_ptr<RecordedPair> pair, std::int64_t silent) {
                               if (pair) {
                                 pairs.emplace_back(pair->caller[0], pair->agent[0]);
                               } else {
                                 pairs.insert(pairs.end(), static_cast<std::size_t>(silent), {0, 0});
                               }
                             }};
};

TEST_F(Timeline, TwoVoices_LieWhereTheyWereHeard) {
  for (int n = 0; n < 100; ++n) {
    const auto now = at(n * kFrameDuration);
    const auto caller = frame(static_cast<std::int16_t>(n + 1));
    timeline.caller(&caller, now);
    if (n >= 50) timeline.agent(frame(static_cast<std::int16_t>(1000 + n)), now);
  }
  timeline.finish(at(2s));
  ASSERT_EQ(pairs.size(), 100u);
  EXPECT_EQ(heard(0), std::pair(1, 0));
  EXPECT_EQ(heard(49), std::pair(50, 0));
  EXPECT_EQ(heard(50), std::pair(51, 1050));
  EXPECT_EQ(heard(99), std::pair(100, 1099));
}

TEST_F(Timeline, ClockThatIsLate_AndCatchesUp_LosesNothing) {
  int sent = 0;
  for (const int ms : {0, 20, 40, 95, 95, 95, 120, 145, 160, 180}) {  // ten frames, some late, three at once
    const auto caller = frame(static_cast<std::int16_t>(++sent));
    timeline.caller(&caller, at(std::chrono::milliseconds(ms)));
    timeline.agent(frame(static_cast<std::int16_t>(100 + sent)), at(std::chrono::milliseconds(ms)));
  }
  timeline.finish(at(200ms));
  ASSERT_EQ(pairs.size(), 10u);
  for (int n = 0; n < 10; ++n) EXPECT_EQ(heard(static_cast<std::size_t>(n)), std::pair(n + 1, 101 + n)) << n;
}

TEST_F(Timeline, CallerThatSendsNothing_IsSilence_AndTheAgentStaysInItsPlace) {
  for (int n = 0; n < 50; ++n) timeline.caller(nullptr, at(n * kFrameDuration));
  timeline.agent(frame(7), at(50 * kFrameDuration));
  timeline.finish(at(51 * kFrameDuration));
  ASSERT_EQ(pairs.size(), 51u);
  EXPECT_EQ(heard(49), std::pair(0, 0));
  EXPECT_EQ(heard(50), std::pair(0, 7));
}

TEST_F(Timeline, AgentAlone_AfterTheCallersInputWasStopped_IsThere) {
  for (int n = 0; n < 20; ++n) timeline.agent(frame(5), at(1s + n * kFrameDuration));
  timeline.finish(at(1400ms));
  ASSERT_EQ(pairs.size(), 70u);
  EXPECT_EQ(heard(49), std::pair(0, 0));
  EXPECT_EQ(heard(50), std::pair(0, 5));
  EXPECT_EQ(heard(69), std::pair(0, 5));
}

TEST_F(Timeline, ProcessThatWasStopped_LeavesAGapOfItsLength_AtMostAMinute) {
  const auto one = frame(1);
  timeline.caller(&one, at(0s));
  timeline.caller(&one, at(10s));
  timeline.finish(at(10s + kFrameDuration));
  ASSERT_EQ(pairs.size(), 501u);
  EXPECT_EQ(heard(0).first, 1);
  EXPECT_EQ(heard(500).first, 1);
  timeline.caller(&one, at(1h));
  timeline.finish(at(1h + kFrameDuration));
  EXPECT_LE(pairs.size(), 501u + static_cast<std::size_t>(RecordingTimeline::kLongestGap + 100));
  EXPECT_EQ(pairs.back().first, 1);
}

TEST_F(Timeline, FramesFarAheadOfTheClock_AreNoSoundOfThisMoment) {
  for (int n = 0; n < 1000; ++n) timeline.agent(frame(3), at(0s));
  timeline.finish(at(0s));
  EXPECT_LE(pairs.size(), static_cast<std::size_t>(RecordingTimeline::kSettled + 1));
}

}  // namespace
}  // namespace parley::voice
