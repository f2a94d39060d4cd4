#include "audio/rtcp_session.hpp"

#include <gtest/gtest.h>

#include <set>

#include "signals.hpp"

namespace parley {
namespace {

using testing::at_ms;

constexpr WallTime kWall{1'800'000'000'000ms};

TEST(RtcpSession, SentSinceTheLastReport_IsASenderReportElseAReceiverReport) {
  Random random(1);
  RtcpSession session(5, "me", random);
  EXPECT_FALSE(session.poll(at_ms(0), kWall, {}, nullptr));
  const auto first = session.poll(session.due(), kWall, {4800, 10, 900}, nullptr);
  ASSERT_TRUE(first);
  const auto sent = parse_rtcp(*first).value();
  ASSERT_EQ(sent.sender_reports.size(), 1U);
  EXPECT_EQ(sent.sender_reports[0].packets, 10U);
  EXPECT_EQ(sent.sender_reports[0].octets, 900U);
  EXPECT_EQ(sent.sender_reports[0].rtp_timestamp, 4800U);
  EXPECT_EQ(sent.sender_reports[0].ntp, to_ntp(kWall));
  EXPECT_EQ(sent.descriptions[0].cname, "me");
  const auto second = session.poll(session.due(), kWall, {4800, 10, 900}, nullptr);
  ASSERT_TRUE(second);
  EXPECT_EQ(parse_rtcp(*second).value().receiver_reports.size(), 1U);
}

TEST(RtcpSession, Reports_ComeEveryOneToThreeSecondsAndNotInStep) {
  Random random(1);
  RtcpSession session(5, "me", random);
  session.poll(at_ms(0), kWall, {}, nullptr);
  std::set<Duration> gaps;
  auto last = session.due();
  ASSERT_TRUE(session.poll(last, kWall, {}, nullptr));
  for (int i = 0; i < 100; ++i) {
    const auto next = session.due();
    EXPECT_FALSE(session.poll(next - 1ns, kWall, {}, nullptr));
    ASSERT_TRUE(session.poll(next, kWall, {}, nullptr));
    EXPECT_GE(next - last, 1s);
    EXPECT_LE(next - last, 3s);
    gaps.insert(next - last);
    last = next;
  }
  EXPECT_GT(gaps.size(), 90U);
}

TEST(RtcpSession, WhatCameIn_IsReported) {
  Random random(1);
  RtcpSession session(5, "me", random);
  Reception reception(9, 48000);
  session.poll(at_ms(0), kWall, {}, &reception);
  for (std::uint16_t s = 0; s < 10; ++s) reception.packet(s, s * 960U, at_ms(20.0 * s));
  const auto report = parse_rtcp(session.poll(session.due(), kWall, {}, &reception).value()).value();
  ASSERT_EQ(report.receiver_reports.at(0).blocks.size(), 1U);
  EXPECT_EQ(report.receiver_reports[0].blocks[0].ssrc, 9U);
  EXPECT_EQ(report.receiver_reports[0].blocks[0].highest_sequence, 9U);
}

TEST(RtcpSession, NothingCameIn_NoBlock) {
  Random random(1);
  RtcpSession session(5, "me", random);
  Reception reception(9, 48000);
  session.poll(at_ms(0), kWall, {}, &reception);
  const auto report = parse_rtcp(session.poll(session.due(), kWall, {}, &reception).value()).value();
  EXPECT_TRUE(report.receiver_reports.at(0).blocks.empty());
}

TEST(RtcpSession, BlockAboutUs_GivesLossAndRoundTrip) {
  Random random(1);
  RtcpSession session(5, "me", random);
  const ReportBlock about_us{
      .ssrc = 5, .fraction_lost = 64, .last_sr = ntp_middle(to_ntp(kWall)), .delay_since_sr = 65536 / 2};
  const ReportBlock about_another{.ssrc = 6, .fraction_lost = 255};
  ASSERT_TRUE(
      session.received(build_receiver_report({9, {about_us, about_another}}, "x"), at_ms(600), kWall + 600ms, nullptr));
  EXPECT_DOUBLE_EQ(session.remote_loss().value(), 0.25);
  EXPECT_NEAR(to_ms(session.round_trip().value()), 100, 1);
  EXPECT_EQ(session.last_received(), at_ms(600));
}

TEST(RtcpSession, BlocksAboutOthersOnly_TellNothing) {
  Random random(1);
  RtcpSession session(5, "me", random);
  ASSERT_TRUE(session.received(build_receiver_report({9, {ReportBlock{.ssrc = 6}}}, "x"), at_ms(0), kWall, nullptr));
  EXPECT_FALSE(session.remote_loss());
}

TEST(RtcpSession, ClockSetBack_GivesNoNegativeRoundTrip) {
  Random random(1);
  RtcpSession session(5, "me", random);
  const ReportBlock block{.ssrc = 5, .last_sr = ntp_middle(to_ntp(kWall))};
  ASSERT_TRUE(session.received(build_receiver_report({9, {block}}, "x"), at_ms(0), kWall - 5s, nullptr));
  EXPECT_EQ(session.round_trip().value(), 0ns);
}

TEST(RtcpSession, SenderReportOfTheIncomingStream_IsEchoedInTheNextReport) {
  Random random(1);
  RtcpSession session(5, "me", random);
  Reception reception(9, 48000);
  session.poll(at_ms(0), kWall, {}, &reception);
  reception.packet(1, 0, at_ms(1));
  ASSERT_TRUE(
      session.received(build_sender_report({.ssrc = 9, .ntp = to_ntp(kWall)}, "x"), at_ms(0), kWall, &reception));
  ASSERT_TRUE(session.received(build_sender_report({.ssrc = 8, .ntp = 1}, "y"), at_ms(0), kWall, &reception));
  const auto report = parse_rtcp(session.poll(session.due(), kWall, {}, &reception).value()).value();
  EXPECT_EQ(report.receiver_reports.at(0).blocks.at(0).last_sr, ntp_middle(to_ntp(kWall)));
}

TEST(RtcpSession, Goodbye_CountsForTheIncomingStreamOnly) {
  Random random(1);
  RtcpSession session(5, "me", random);
  Reception reception(9, 48000);
  ASSERT_TRUE(session.received(Bytes{0x81, 203, 0, 1, 0, 0, 0, 8}, at_ms(0), kWall, &reception));
  EXPECT_FALSE(session.said_goodbye(9));
  ASSERT_TRUE(session.received(Bytes{0x81, 203, 0, 1, 0, 0, 0, 9}, at_ms(0), kWall, &reception));
  EXPECT_TRUE(session.said_goodbye(9));
}

TEST(RtcpSession, Garbage_IsAnErrorAndNoSignOfLife) {
  Random random(1);
  RtcpSession session(5, "me", random);
  EXPECT_EQ(session.received(Bytes{1, 2, 3}, at_ms(0), kWall, nullptr).error().code(), Errc::protocol);
  EXPECT_FALSE(session.last_received());
}

}  // namespace
}  // namespace parley
