#include "audio/reception.hpp"

#include <gtest/gtest.h>

#include "signals.hpp"

namespace parley {
namespace {

using testing::at_ms;

// `count` packets in step with their timestamps, from `sequence` on.
void feed(Reception& reception, std::uint16_t sequence, int count, double from_ms = 0) {
  for (int i = 0; i < count; ++i) {
    reception.packet(static_cast<std::uint16_t>(sequence + i), static_cast<std::uint32_t>(960 * i),
                     at_ms(from_ms + 20 * i));
  }
}

TEST(Reception, NothingLost_ReportsNothingLost) {
  Reception reception(7, 48000);
  feed(reception, 100, 50);
  const auto block = reception.report(at_ms(1000));
  EXPECT_EQ(block.ssrc, 7U);
  EXPECT_EQ(block.fraction_lost, 0);
  EXPECT_EQ(block.cumulative_lost, 0);
  EXPECT_EQ(block.highest_sequence, 149U);
  EXPECT_EQ(block.jitter, 0U);
  EXPECT_EQ(block.last_sr, 0U);
}

TEST(Reception, FractionLost_CountsFromReportToReport) {
  Reception reception(7, 48000);
  for (std::uint16_t s = 0; s < 100; ++s) {
    if (s % 4 != 3) reception.packet(s, s * 960U, at_ms(20.0 * s));
  }
  reception.packet(100, 96000, at_ms(2000));
  const auto first = reception.report(at_ms(2000));
  EXPECT_EQ(first.cumulative_lost, 25);
  EXPECT_EQ(first.fraction_lost, 25 * 256 / 101);
  for (std::uint16_t s = 101; s < 201; ++s) reception.packet(s, s * 960U, at_ms(20.0 * s));
  const auto second = reception.report(at_ms(4000));
  EXPECT_EQ(second.cumulative_lost, 25);
  EXPECT_EQ(second.fraction_lost, 0);
}

TEST(Reception, Duplicates_MakeTheCumulativeLossNegativeAndNoFraction) {
  Reception reception(7, 48000);
  feed(reception, 0, 10);
  feed(reception, 0, 10);
  const auto block = reception.report(at_ms(400));
  EXPECT_EQ(block.cumulative_lost, -10);
  EXPECT_EQ(block.fraction_lost, 0);
}

TEST(Reception, SequenceWraps_AreCountedAsCycles) {
  Reception reception(7, 48000);
  feed(reception, 65500, 100);
  EXPECT_EQ(reception.report(at_ms(2000)).highest_sequence, 0x10000U + 63);
}

TEST(Reception, PacketFromBeforeAWrap_DoesNotCountAsACycle) {
  Reception reception(7, 48000);
  for (const int s : {65534, 0, 65535, 1}) reception.packet(static_cast<std::uint16_t>(s), 0, at_ms(0));
  const auto block = reception.report(at_ms(0));
  EXPECT_EQ(block.highest_sequence, 0x10001U);
  EXPECT_EQ(block.cumulative_lost, 0);
}

TEST(Reception, Jitter_FollowsTheFormulaOfTheRfc) {
  Reception reception(7, 48000);
  // Packets alternately on time and 10 ms late: |D| is 480 units each time, and J converges to it.
  for (int i = 0; i < 200; ++i) {
    reception.packet(static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(960 * i),
                     at_ms(20.0 * i + (i % 2) * 10));
  }
  EXPECT_NEAR(reception.report(at_ms(4000)).jitter, 480, 2);
  EXPECT_NEAR(to_ms(reception.jitter()), 10.0, 0.1);
}

TEST(Reception, TimestampsAndClocksWrapping_LeaveTheJitterAlone) {
  Reception reception(7, 48000);
  for (int i = 0; i < 100; ++i) {
    reception.packet(static_cast<std::uint16_t>(i), 0xFFFFFFFFU - 50 * 960U + static_cast<std::uint32_t>(960 * i),
                     at_ms(1e9 + 20.0 * i));
  }
  EXPECT_EQ(reception.report(at_ms(2e9)).jitter, 0U);
}

TEST(Reception, SenderReport_IsEchoedWithItsDelay) {
  Reception reception(7, 48000);
  feed(reception, 0, 2);
  reception.sender_report({.ssrc = 7, .ntp = 0x0123456789ABCDEF}, at_ms(1000));
  const auto block = reception.report(at_ms(1500));
  EXPECT_EQ(block.last_sr, 0x456789ABU);
  EXPECT_EQ(block.delay_since_sr, 32768U);
}

TEST(Reception, OneWildPacket_IsNotCounted) {
  Reception reception(7, 48000);
  feed(reception, 0, 10);
  reception.packet(40000, 0, at_ms(200));
  feed(reception, 10, 10, 200);
  const auto block = reception.report(at_ms(400));
  EXPECT_EQ(block.highest_sequence, 19U);
  EXPECT_EQ(block.cumulative_lost, 0);
}

TEST(Reception, SenderBeginsAnew_CountsAnew) {
  Reception reception(7, 48000);
  feed(reception, 0, 10);
  feed(reception, 40000, 10, 200);
  const auto block = reception.report(at_ms(400));
  EXPECT_EQ(block.highest_sequence, 40009U);
  EXPECT_EQ(block.cumulative_lost, 0);
}

TEST(Reception, BeforeAnyPacket_TheBlockIsEmpty) {
  Reception reception(7, 48000);
  EXPECT_EQ(reception.report(at_ms(0)), ReportBlock{.ssrc = 7});
}

}  // namespace
}  // namespace parley
