// The jitter buffer on networks as they are: seeded, so that every run is the same.
#include <gtest/gtest.h>

#include "audio/jitter_buffer.hpp"
#include "network.hpp"

namespace parley {
namespace {

using Kind = PlayoutStep::Kind;
using testing::carry;
using testing::Heard;
using testing::listen;
using testing::NetworkSettings;

constexpr std::size_t kMinute = 3000;  // frames

Heard run(const NetworkSettings& net, std::size_t frames = kMinute, std::uint64_t seed = 1) {
  JitterBuffer buffer;
  return listen(buffer, carry(frames, net, seed), kFrameDuration * static_cast<std::int64_t>(frames));
}

int index_of(const PlayoutStep& playout) { return playout.payload[0] | playout.payload[1] << 8; }

void expect_in_order(const Heard& heard) {
  int last = -1;
  for (const auto& playout : heard.playouts) {
    if (playout.kind != Kind::packet) continue;
    EXPECT_GT(index_of(playout), last);
    last = index_of(playout);
  }
}

TEST(JitterNetwork, PerfectNetwork_EverythingIsHeardAtTheLeastDelay) {
  const auto heard = run({});
  EXPECT_GE(heard.count(Kind::packet), kMinute - 5);
  EXPECT_EQ(heard.stats.lost, 0U);
  EXPECT_EQ(heard.stats.late, 0U);
  EXPECT_EQ(heard.count(Kind::conceal), 0U);
  EXPECT_EQ(heard.stats.target, kMinPlayoutDelay);
  EXPECT_LE(heard.mean_delay_ms(1500), 42);
  expect_in_order(heard);
}

class JitterSeeds : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, JitterSeeds, ::testing::Range<std::uint64_t>(1, 21));

TEST_P(JitterSeeds, FivePercentLossAndSixtyMillisecondsOfJitter_AlmostOnlyTheLostAreMissing) {
  const auto heard = run({.loss = 0.05, .jitter = 60ms}, kMinute, GetParam());
  const double sent_and_carried = static_cast<double>(heard.stats.received);
  const double missing = static_cast<double>(kMinute) - sent_and_carried;
  EXPECT_LE(static_cast<double>(heard.stats.late), 0.005 * kMinute);
  EXPECT_LE(static_cast<double>(heard.stats.lost), missing + 0.006 * kMinute);
  // Four of five lost ones come back from their successor's copy; the others' successor is lost or late too.
  EXPECT_GE(static_cast<double>(heard.stats.fec), 0.78 * missing);
  EXPECT_LE(heard.mean_delay_ms(500), 85);
  EXPECT_EQ(heard.stats.discarded, 0U);
  expect_in_order(heard);
}

TEST_P(JitterSeeds, HeavyJitter_IsCoveredWithinTheLimit) {
  const auto heard = run({.jitter = 150ms}, kMinute, GetParam());
  EXPECT_LE(static_cast<double>(heard.stats.late), 0.01 * kMinute);
  EXPECT_LE(heard.stats.target, kMaxPlayoutDelay);
  EXPECT_LE(heard.mean_delay_ms(500), 190);
  expect_in_order(heard);
}

TEST_P(JitterSeeds, JitterThatStops_LetsTheDelayFallAgain) {
  // A quarter of a minute of jitter, then none.
  const auto calm = [](std::size_t i) { return i < 750 ? Duration((i * 37 % 100) * 1'000'000) : Duration{}; };
  const auto heard = run({.extra = calm}, 2 * kMinute, GetParam());
  EXPECT_GE(to_ms(heard.delays[600]), 80);
  EXPECT_LE(to_ms(heard.delays.back()), 45);
  EXPECT_LE(heard.stats.lost, 10U);
}

TEST_P(JitterSeeds, ClockOfTheSenderDrifts_DelayStaysAndNothingIsLost) {
  for (const double ppm : {100.0, -100.0}) {
    JitterBuffer buffer;
    const auto packets = carry(20 * kMinute, {.jitter = 20ms, .drift_ppm = ppm}, GetParam());
    const auto heard = listen(buffer, packets, 20min);
    // 100 ppm are 120 ms in 20 minutes, which stretching has to take up.
    EXPECT_LE(heard.stats.lost, 20U) << ppm;
    EXPECT_LE(heard.count(Kind::conceal), 60U) << ppm;
    EXPECT_NEAR(to_ms(heard.stats.delay), to_ms(heard.stats.target), 25) << ppm;
    EXPECT_EQ(heard.stats.restarts, 0U);
  }
}

TEST(JitterNetwork, BurstsOfLoss_AreConcealedAndThenForgotten) {
  // Every 2 s five packets in a row.
  const auto heard = run({.drop = [](std::size_t i) { return i % 100 >= 95; }});
  EXPECT_EQ(heard.stats.received, kMinute * 95 / 100);
  EXPECT_EQ(heard.stats.late, 0U);
  EXPECT_GE(heard.count(Kind::packet), kMinute * 95 / 100 - 5) << "nothing that came is dropped";
  EXPECT_LE(heard.mean_delay_ms(500), 60) << "loss alone must not raise the delay";
  EXPECT_GE(heard.stats.fec, 25U);
}

TEST(JitterNetwork, Reordering_IsPutRight) {
  // Every tenth packet is overtaken by the next two.
  const auto heard = run({.extra = [](std::size_t i) { return i % 10 == 5 ? Duration(45ms) : Duration{}; }});
  EXPECT_LE(heard.stats.late, 3U);
  EXPECT_GE(heard.count(Kind::packet), kMinute - 8);
  expect_in_order(heard);
}

TEST(JitterNetwork, NetworkStandsStillForASecond_ThenOnlyTheNewestIsHeard) {
  const auto stall = [](std::size_t i) {
    return i >= 1000 && i < 1050 ? kFrameDuration * static_cast<std::int64_t>(1050 - i) : Duration{};
  };
  const auto heard = run({.extra = stall});
  EXPECT_GE(heard.stats.discarded, 30U);
  EXPECT_LE(heard.stats.discarded, 50U);
  EXPECT_LE(to_ms(heard.delays.back()), 60) << "the delay comes down again";
  // From one second after the stall on, everything is heard.
  EXPECT_GE(heard.count(Kind::packet), kMinute - 60);
  expect_in_order(heard);
}

TEST(JitterNetwork, LongSilenceWithoutPackets_IsSilenceAndSpeechBeginsWhole) {
  // 2 s of speech, 58 s of silence, 2 s of speech; sequence goes on by one, the timestamp jumps.
  const auto sends = [](std::size_t i) { return i < 100 || i >= kMinute; };
  const auto sequence_of = [](std::size_t i) { return static_cast<std::uint16_t>(i < 100 ? i : i - kMinute + 100); };
  for (const double ppm : {0.0, 100.0, -100.0}) {
    JitterBuffer buffer;
    const auto packets = carry(kMinute + 100, {.drift_ppm = ppm, .sends = sends}, 1);
    const auto heard = listen(buffer, packets, 63s, 0, 0, sequence_of);
    EXPECT_EQ(heard.stats.lost, 0U);
    EXPECT_EQ(heard.stats.restarts, 0U);
    EXPECT_EQ(heard.count(Kind::packet), 200U);
    EXPECT_LE(heard.count(Kind::conceal), 10U) << "the end of each speech fades";
    EXPECT_GE(heard.count(Kind::silence), 2800U);
    EXPECT_LE(to_ms(heard.delays.back()), 80);
  }
}

TEST(JitterNetwork, TalkspurtsWithJitter_BeginAtTheTargetEachTime) {
  // 1 s on, 1 s off.
  const auto sends = [](std::size_t i) { return i / 50 % 2 == 0; };
  const auto sequence_of = [](std::size_t i) { return static_cast<std::uint16_t>(i / 100 * 50 + i % 100); };
  JitterBuffer buffer;
  const auto heard = listen(buffer, carry(kMinute, {.jitter = 60ms, .sends = sends}, 3), 61s, 0, 0, sequence_of);
  EXPECT_EQ(heard.count(Kind::packet) + heard.stats.late, kMinute / 2);
  EXPECT_LE(heard.stats.late, 8U);
  EXPECT_LE(heard.mean_delay_ms(200), 85);
}

TEST(JitterNetwork, SequenceAndTimestampWrap_Unnoticed) {
  JitterBuffer buffer;
  const auto packets = carry(kMinute, {.loss = 0.02, .jitter = 40ms}, 5);
  const auto heard = listen(buffer, packets, 60s, 65'000, 0xFFFFFFFF - 100 * 960);
  JitterBuffer other;
  const auto plain = listen(other, packets, 60s, 0, 0);
  EXPECT_EQ(heard.count(Kind::packet), plain.count(Kind::packet));
  EXPECT_EQ(heard.stats.late, plain.stats.late);
  EXPECT_EQ(heard.stats.restarts, 0U);
}

TEST(JitterNetwork, PathBecomesLongerForGood_IsFollowedWithinASecond) {
  const auto heard = run({.extra = [](std::size_t i) { return i >= 1000 ? Duration(300ms) : Duration{}; }});
  EXPECT_LE(heard.stats.lost, 5U);
  EXPECT_LE(to_ms(heard.delays.back()), 80);
  EXPECT_GE(heard.count(Kind::packet), kMinute - 60);
  // After a settling second no more breaks.
  std::size_t breaks = 0;
  for (std::size_t i = 1100; i < heard.playouts.size(); ++i) breaks += heard.playouts[i].kind == Kind::packet ? 0 : 1;
  EXPECT_LE(breaks, 10U);
}

TEST(JitterNetwork, PathBecomesShorter_DelayShrinksWithIt) {
  const auto heard = run({.extra = [](std::size_t i) { return i < 1000 ? Duration(150ms) : Duration{}; }});
  EXPECT_LE(heard.stats.lost, 8U) << "the overlap is skipped as a backlog, not lost";
  EXPECT_LE(to_ms(heard.delays.back()), 60);
}

TEST(JitterNetwork, SenderWhoseClockStopsInSilence_IsHeardAtOnce) {
  // 5 s of silence that the timestamp does not show.
  JitterBuffer buffer;
  auto packets = carry(200, {}, 1);
  for (auto& packet : packets) {
    if (packet.index >= 100) packet.arrives += 5s;
  }
  const auto heard = listen(buffer, packets, 10s);
  EXPECT_EQ(heard.count(Kind::packet), 200U);
  EXPECT_EQ(heard.stats.lost, 0U);
}

}  // namespace
}  // namespace parley
