#include "audio/jitter_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "signals.hpp"

namespace parley {
namespace {

using Kind = PlayoutStep::Kind;
using testing::at_ms;

// A jitter buffer whose packet n has sequence n, timestamp 960 n and payload {n}, and is sent at 20 n ms.
class JitterBufferTest : public ::testing::Test {
 protected:
  static JitterPacket packet(int n, std::uint32_t ssrc = 1) {
    return {ssrc, static_cast<std::uint16_t>(n), static_cast<std::uint32_t>(960 * n), 960,
            true, {static_cast<std::uint8_t>(n)}};
  }
  JitterBuffer::Push push(int n, double late_ms = 0) { return buffer_.push(packet(n), at_ms(20.0 * n + late_ms)); }

  // Pulls at 20 ms steps while `push_until` packets come in time; returns the kinds.
  std::vector<Kind> play(int from, int count) {
    std::vector<Kind> kinds;
    for (int i = from; i < from + count; ++i) {
      if (!lost_.contains(i)) push(i);
      kinds.push_back(pull(i).kind);
    }
    return kinds;
  }
  PlayoutStep pull(int n) { return buffer_.pull(at_ms(20.0 * n)); }

  JitterBuffer buffer_;
  std::set<int> lost_;
};

TEST_F(JitterBufferTest, BeforeAnyPacket_ThereIsNothing) { EXPECT_EQ(pull(0).kind, Kind::nothing); }

TEST_F(JitterBufferTest, FirstPacket_IsHeardAfterTheFirstTargetDelay) {
  push(0);
  EXPECT_EQ(pull(0).kind, Kind::silence);
  EXPECT_EQ(pull(1).kind, Kind::silence);
  EXPECT_EQ(pull(2).kind, Kind::silence);
  const auto first = pull(3);
  EXPECT_EQ(first.kind, Kind::packet);
  EXPECT_EQ(first.payload, Bytes{0});
  EXPECT_TRUE(first.new_stream);
}

TEST_F(JitterBufferTest, PacketsInOrder_AreHeardInOrder) {
  play(0, 3);
  for (int n = 3; n < 200; ++n) {
    push(n);
    const auto playout = pull(n);
    ASSERT_EQ(playout.kind, Kind::packet);
    ASSERT_EQ(playout.samples, 960U);
    ASSERT_FALSE(n > 3 && playout.new_stream);
  }
}

TEST_F(JitterBufferTest, FirstTwoPacketsSwapped_AreHeardInOrder) {
  push(1);
  push(0, 25);
  EXPECT_EQ(pull(2).kind, Kind::silence);
  EXPECT_EQ(pull(4).payload, Bytes{0});
  EXPECT_EQ(pull(5).payload, Bytes{1});
}

TEST_F(JitterBufferTest, DuplicatePacket_IsCountedAndDropped) {
  play(0, 10);
  EXPECT_EQ(push(9), JitterBuffer::Push::duplicate) << "still waiting";
  EXPECT_EQ(push(2), JitterBuffer::Push::duplicate) << "long played";
  EXPECT_EQ(buffer_.stats().duplicate, 2U);
}

TEST_F(JitterBufferTest, PacketArrivesAfterItsTurn_IsCountedLateAndDropped) {
  lost_ = {20};
  play(0, 40);
  EXPECT_EQ(buffer_.stats().lost, 1U);
  EXPECT_EQ(push(20, 400), JitterBuffer::Push::late);
  EXPECT_EQ(buffer_.stats().late, 1U);
  EXPECT_EQ(push(20, 400), JitterBuffer::Push::duplicate);
}

TEST_F(JitterBufferTest, OnePacketLost_IsTakenFromTheCopyInTheNext) {
  lost_ = {20};
  const auto kinds = play(0, 40);
  EXPECT_EQ(std::ranges::count(kinds, Kind::fec), 1);
  EXPECT_EQ(std::ranges::count(kinds, Kind::conceal), 0);
  EXPECT_EQ(buffer_.stats().fec, 1U);
}

TEST_F(JitterBufferTest, FecPlayout_CarriesTheNextPacketWhichIsThenPlayedItself) {
  play(0, 20);
  int n = 20;
  PlayoutStep playout;
  for (push(21); playout.kind != Kind::fec; playout = pull(n++)) ASSERT_LT(n, 30);
  EXPECT_EQ(playout.payload, Bytes{21});
  EXPECT_EQ(pull(n).payload, Bytes{21});
}

TEST_F(JitterBufferTest, ThreePacketsLost_TwoAreConcealedAndTheLastIsACopy) {
  lost_ = {20, 21, 22};
  const auto kinds = play(0, 40);
  EXPECT_EQ(std::ranges::count(kinds, Kind::conceal), 2);
  EXPECT_EQ(std::ranges::count(kinds, Kind::fec), 1);
  EXPECT_EQ(buffer_.stats().lost, 3U);
}

TEST_F(JitterBufferTest, NextPacketCarriesNoCopy_TheLossIsConcealed) {
  play(0, 20);
  auto without = packet(21);
  without.has_fec = false;
  buffer_.push(without, at_ms(420));
  std::vector<Kind> kinds;
  for (int n = 21; n < 27; ++n) kinds.push_back(pull(n).kind);
  EXPECT_EQ(std::ranges::count(kinds, Kind::fec), 0);
  EXPECT_GE(std::ranges::count(kinds, Kind::conceal), 1);
  EXPECT_EQ(buffer_.stats().fec, 0U);
}

TEST_F(JitterBufferTest, NothingComesAnyMore_IsConcealedForAHundredMillisecondsThenSilence) {
  play(0, 20);
  std::vector<Kind> kinds;
  for (int n = 20; n < 60; ++n) kinds.push_back(pull(n).kind);
  EXPECT_EQ(std::ranges::count(kinds, Kind::conceal), JitterBuffer::kMaxConceal / kFrameDuration);
  EXPECT_EQ(kinds.back(), Kind::silence);
}

TEST_F(JitterBufferTest, PacketThatIsOnlyLate_IsStillHeardWhole) {
  play(0, 20);
  int n = 20;
  while (pull(n).kind != Kind::conceal) ++n;
  push(20, 20.0 * (n - 20) + 10);
  EXPECT_EQ(pull(n + 1).payload, Bytes{20});
  EXPECT_EQ(buffer_.stats().lost, 0U);
  EXPECT_EQ(buffer_.stats().late, 0U);
}

TEST_F(JitterBufferTest, TimestampJumpsWithoutSequence_IsSilenceUntilItsTime) {
  play(0, 20);
  for (int n = 20; n < 100; ++n) pull(n);
  buffer_.push({1, 20, 960 * 100, 960, true, {99}}, at_ms(2000));
  EXPECT_EQ(pull(100).kind, Kind::silence) << "a new talkspurt waits for the target delay";
  int n = 101;
  while (pull(n).kind == Kind::silence) ++n;
  EXPECT_LE(n, 104);
  EXPECT_EQ(buffer_.stats().lost, 0U);
}

TEST_F(JitterBufferTest, SilenceWhoseFirstPacketIsLost_PutsTheLostOneAfterTheSilence) {
  play(0, 20);
  for (int n = 20; n < 100; ++n) pull(n);
  buffer_.push({1, 21, 960 * 101, 960, true, {101}}, at_ms(2020));  // sequence 20 at 100 is lost
  std::vector<Kind> kinds;
  for (int n = 101; n < 110; ++n) kinds.push_back(pull(n).kind);
  const auto copy = std::ranges::find(kinds, Kind::fec);
  ASSERT_NE(copy, kinds.end());
  EXPECT_EQ(*std::next(copy), Kind::packet);
  EXPECT_EQ(std::ranges::count(kinds, Kind::conceal), 0 + std::count(std::next(copy, 2), kinds.end(), Kind::conceal));
}

TEST_F(JitterBufferTest, AnotherSsrc_IsANewStreamWithOldPacketsGone) {
  play(0, 20);
  push(20);
  EXPECT_EQ(buffer_.push({2, 5000, 77, 960, true, {200}}, at_ms(420)), JitterBuffer::Push::accepted);
  EXPECT_EQ(buffer_.size(), 1U);
  EXPECT_EQ(buffer_.stats().restarts, 1U);
  PlayoutStep playout;
  for (int n = 21; playout.kind != Kind::packet; ++n) {
    ASSERT_LT(n, 30);
    playout = pull(n);
  }
  EXPECT_EQ(playout.payload, Bytes{200});
  EXPECT_TRUE(playout.new_stream);
}

TEST_F(JitterBufferTest, StragglerOfTheOldSsrc_DoesNotSwitchBack) {
  play(0, 20);
  buffer_.push(packet(21, 2), at_ms(420));
  EXPECT_EQ(buffer_.push(packet(20, 1), at_ms(430)), JitterBuffer::Push::discarded);
  EXPECT_EQ(buffer_.stats().restarts, 1U);
  EXPECT_EQ(buffer_.push(packet(22, 1), at_ms(2000)), JitterBuffer::Push::accepted) << "after a second it may return";
}

TEST_F(JitterBufferTest, OneWildSequence_IsDiscarded) {
  play(0, 20);
  EXPECT_EQ(buffer_.push({1, 30000, 960 * 20, 960, true, {0}}, at_ms(400)), JitterBuffer::Push::discarded);
  EXPECT_EQ(push(20), JitterBuffer::Push::accepted);
  EXPECT_EQ(buffer_.stats().restarts, 0U);
}

TEST_F(JitterBufferTest, SequenceJumpsForGood_StartsAnewWithItsSecondPacket) {
  play(0, 20);
  for (int i = 0; i < 10; ++i) {
    buffer_.push({1,
                  static_cast<std::uint16_t>(30000 + i),
                  123456U + 960U * static_cast<std::uint32_t>(i),
                  960,
                  true,
                  {static_cast<std::uint8_t>(100 + i)}},
                 at_ms(400 + 20 * i));
  }
  EXPECT_EQ(buffer_.stats().restarts, 1U);
  PlayoutStep playout;
  for (int n = 30; playout.kind != Kind::packet; ++n) {
    ASSERT_LT(n, 40);
    playout = pull(n);
  }
  EXPECT_EQ(playout.payload, Bytes{101});
}

TEST_F(JitterBufferTest, TimestampJumpsAheadWithoutTime_StartsAnew) {
  play(0, 20);
  EXPECT_EQ(buffer_.push({1, 20, 960 * 20 + 48000 * 60, 960, true, {0}}, at_ms(400)), JitterBuffer::Push::accepted);
  EXPECT_EQ(buffer_.stats().restarts, 1U);
}

TEST_F(JitterBufferTest, PacketsOfSixtyMilliseconds_AreHeardWhole) {
  std::uint32_t samples = 0;
  for (int n = 0; n < 60; ++n) {
    if (n % 3 == 0)
      buffer_.push({1, static_cast<std::uint16_t>(n / 3), static_cast<std::uint32_t>(960 * n), 2880, false, {0}},
                   at_ms(20.0 * n + 60));
    if (samples >= 960) {
      samples -= 960;
      continue;
    }
    const auto playout = buffer_.pull(at_ms(20.0 * n + 60), samples);
    if (playout.kind == Kind::packet) samples += playout.samples - 960;
    EXPECT_NE(playout.kind, Kind::conceal);
  }
  EXPECT_EQ(buffer_.stats().lost, 0U);
}

TEST_F(JitterBufferTest, FarMorePacketsThanFit_KeepsTheNewest) {
  for (int n = 0; n < 200; ++n) buffer_.push(packet(n), at_ms(0.01 * n));
  EXPECT_EQ(buffer_.size(), JitterBuffer::kMaxPackets);
  EXPECT_EQ(buffer_.stats().discarded, 200 - JitterBuffer::kMaxPackets);
}

TEST_F(JitterBufferTest, Backlog_IsSkippedToWhatMayWait) {
  play(0, 20);
  for (int n = 20; n < 60; ++n) buffer_.push(packet(n), at_ms(1200));
  pull(60);
  EXPECT_LE(buffer_.size(), JitterBuffer::kMaxBacklog / kFrameDuration);
  EXPECT_GE(buffer_.stats().discarded, 20U);
}

TEST_F(JitterBufferTest, DelayBeyondTheTarget_AsksForShorterPackets) {
  play(0, 20);
  // 200 ms arrive at once after a stall.
  for (int n = 20; n < 30; ++n) buffer_.push(packet(n), at_ms(590));
  int shorter = 0;
  for (int n = 30; n < 36; ++n) {
    shorter += pull(n).pace == PlayoutStep::Pace::shorten ? 1 : 0;
    push(n);
  }
  EXPECT_GE(shorter, 2);
}

TEST_F(JitterBufferTest, AfterReset_ThereIsNothing) {
  play(0, 20);
  buffer_.reset();
  EXPECT_EQ(pull(20).kind, Kind::nothing);
  EXPECT_EQ(buffer_.size(), 0U);
  push(21);
  EXPECT_EQ(pull(21).kind, Kind::silence);
}

TEST_F(JitterBufferTest, ADayOfPackets_DoesNotOverflowTheClock) {
  // Timestamps wrap at 24.9 hours; half a minute on both sides of it, with a silence of a day before.
  buffer_.push({1, 0, 0, 960, false, {0}}, at_ms(0));
  const double hour = 3'600'000;
  for (int h = 1; h <= 30; ++h) {
    const auto timestamp = static_cast<std::uint32_t>(static_cast<std::uint64_t>(h) * 3600 * 48000);
    ASSERT_EQ(buffer_.push({1, static_cast<std::uint16_t>(h), timestamp, 960, false, {0}}, at_ms(hour * h)),
              JitterBuffer::Push::accepted);
    Kind kind{};
    for (int n = 0; kind != Kind::packet; ++n) {
      ASSERT_LT(n, 20) << h;
      kind = buffer_.pull(at_ms(hour * h + 20 * n)).kind;
    }
  }
  EXPECT_EQ(buffer_.stats().restarts, 0U);
  EXPECT_EQ(buffer_.stats().lost, 0U);
}

}  // namespace
}  // namespace parley
