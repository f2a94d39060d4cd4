#include "audio/rtp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Bytes header(std::uint8_t first, std::uint8_t second = 111) {
  return {first, second, 0x12, 0x34, 0xAA, 0xBB, 0xCC, 0xDD, 0x01, 0x02, 0x03, 0x04};
}
Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}
std::string error_of(const Bytes& packet) { return parse_rtp(packet).error().message(); }

TEST(RtpParse, PlainPacket_GivesItsFields) {
  const auto bytes = header(0x80, 0x80 | 111) + Bytes{7, 8, 9};
  const auto rtp = parse_rtp(bytes).value();
  EXPECT_EQ(rtp.payload_type, 111);
  EXPECT_TRUE(rtp.marker);
  EXPECT_EQ(rtp.sequence, 0x1234);
  EXPECT_EQ(rtp.timestamp, 0xAABBCCDD);
  EXPECT_EQ(rtp.ssrc, 0x01020304U);
  EXPECT_THAT(rtp.payload, ElementsAre(7, 8, 9));
}

TEST(RtpParse, ContributingSourcesExtensionAndPadding_AreTakenOff) {
  const auto bytes = header(0x80 | 0x20 | 0x10 | 2) + Bytes(8, 0xEE) + Bytes{0xBE, 0xDE, 0, 1, 0x10, 0x85, 0, 0} +
                     Bytes{7, 8} + Bytes{0, 0, 3};
  const auto rtp = parse_rtp(bytes).value();
  EXPECT_THAT(rtp.payload, ElementsAre(7, 8));
  EXPECT_EQ(rtp.audio_level(1), (AudioLevel{5, true}));
  EXPECT_EQ(rtp.audio_level(2), std::nullopt);
}

TEST(RtpParse, ExtensionElements_AreFoundAmongOthersAndPadding) {
  // id 3 of 2 bytes, padding, id 1 of 1 byte.
  const auto one_byte = header(0x90) + Bytes{0xBE, 0xDE, 0, 2, 0x31, 9, 9, 0, 0x10, 0x7F, 0, 0};
  EXPECT_EQ(parse_rtp(one_byte).value().audio_level(1), (AudioLevel{127, false}));
  EXPECT_THAT(parse_rtp(one_byte).value().extension_element(3).value(), ElementsAre(9, 9));
  const auto two_byte = header(0x90) + Bytes{0x10, 0x00, 0, 2, 3, 0, 1, 1, 0x8A, 0, 0, 0};
  EXPECT_EQ(parse_rtp(two_byte).value().audio_level(1), (AudioLevel{10, true}));
  EXPECT_TRUE(parse_rtp(two_byte).value().extension_element(3).value().empty());
}

TEST(RtpParse, BrokenExtensionElement_IsNotFoundAndHarmsNothing) {
  // id 1 announces 16 bytes, 3 are there.
  const auto bytes = header(0x90) + Bytes{0xBE, 0xDE, 0, 1, 0x1F, 1, 2, 3};
  EXPECT_EQ(parse_rtp(bytes).value().audio_level(1), std::nullopt);
  // id 15 ends the list.
  const auto stopped = header(0x90) + Bytes{0xBE, 0xDE, 0, 1, 0xF0, 0x10, 5, 0};
  EXPECT_EQ(parse_rtp(stopped).value().audio_level(1), std::nullopt);
  // A profile that nobody knows.
  const auto unknown = header(0x90) + Bytes{0x12, 0x34, 0, 1, 0x10, 5, 0, 0};
  EXPECT_EQ(parse_rtp(unknown).value().audio_level(1), std::nullopt);
}

TEST(RtpParse, WrongLengths_AreErrors) {
  EXPECT_THAT(error_of({}), HasSubstr("shorter than its header"));
  EXPECT_THAT(error_of(Bytes(11, 0x80)), HasSubstr("shorter than its header"));
  EXPECT_THAT(error_of(header(0x40)), HasSubstr("version 2"));
  EXPECT_THAT(error_of(header(0x8F)), HasSubstr("contributing sources"));
  EXPECT_THAT(error_of(header(0x90)), HasSubstr("header extension"));
  EXPECT_THAT(error_of(header(0x90) + Bytes{0xBE, 0xDE, 0, 2, 1, 2, 3, 4}), HasSubstr("header extension"));
  EXPECT_THAT(error_of(header(0xA0)), HasSubstr("padding"));
  EXPECT_THAT(error_of(header(0xA0) + Bytes{1, 0}), HasSubstr("padding"));
  EXPECT_THAT(error_of(header(0xA0) + Bytes{1, 4}), HasSubstr("padding"));
}

TEST(RtpParse, OnlyPadding_IsAnEmptyPayload) {
  EXPECT_TRUE(parse_rtp(header(0xA0) + Bytes{0, 2}).value().payload.empty());
}

TEST(RtpParse, RtcpOnTheSamePort_IsToldApart) {
  EXPECT_TRUE(is_rtcp(Bytes{0x81, 201, 0, 7}));
  EXPECT_FALSE(is_rtcp(header(0x80, 0x80 | 111)));
  EXPECT_FALSE(is_rtcp(Bytes{0x81}));
}

TEST(RtpPacketizer, WhatItMakes_ParsesBack) {
  RtpPacketizer packetizer(
      {.ssrc = 77, .payload_type = 111, .audio_level_id = 4, .first_sequence = 10, .first_timestamp = 20});
  const auto bytes = packetizer.packet(Bytes{1, 2, 3}, 960, {42, true}).value();
  const auto rtp = parse_rtp(bytes).value();
  EXPECT_EQ(rtp.ssrc, 77U);
  EXPECT_EQ(rtp.payload_type, 111);
  EXPECT_EQ(rtp.sequence, 10);
  EXPECT_EQ(rtp.timestamp, 20U);
  EXPECT_EQ(rtp.audio_level(4), (AudioLevel{42, true}));
  EXPECT_THAT(rtp.payload, ElementsAre(1, 2, 3));
}

TEST(RtpPacketizer, ExtensionNotNegotiated_IsNotSent) {
  RtpPacketizer packetizer({.ssrc = 77});
  EXPECT_EQ(packetizer.packet(Bytes{1}, 960, {}).value().size(), 13U);
}

TEST(RtpPacketizer, SequenceAndTimestamp_WrapAround) {
  RtpPacketizer packetizer({.first_sequence = 0xFFFF, .first_timestamp = 0xFFFFFFFF - 959});
  packetizer.packet(Bytes{1}, 960, {}).value();
  const auto bytes = packetizer.packet(Bytes{1}, 960, {}).value();
  EXPECT_EQ(parse_rtp(bytes).value().sequence, 0);
  EXPECT_EQ(parse_rtp(bytes).value().timestamp, 0U);
}

TEST(RtpPacketizer, Marker_StandsOnTheFirstPacketOfEveryTalkspurt) {
  RtpPacketizer packetizer({});
  const auto marker = [&] { return parse_rtp(packetizer.packet(Bytes{1}, 960, {}).value()).value().marker; };
  EXPECT_TRUE(marker());
  EXPECT_FALSE(marker());
  packetizer.silence(960);
  EXPECT_TRUE(marker());
  EXPECT_FALSE(marker());
}

TEST(RtpPacketizer, InSilence_TheTimestampAdvancesAndTheSequenceDoesNot) {
  RtpPacketizer packetizer({});
  packetizer.packet(Bytes{1}, 960, {}).value();
  packetizer.silence(48000);
  const auto bytes = packetizer.packet(Bytes{1}, 960, {}).value();
  EXPECT_EQ(parse_rtp(bytes).value().sequence, 1);
  EXPECT_EQ(parse_rtp(bytes).value().timestamp, 48960U);
}

TEST(RtpPacketizer, PayloadBeyondADatagram_IsRefusedAndCountsNothing) {
  RtpPacketizer packetizer({.first_sequence = 5});
  EXPECT_EQ(packetizer.packet(Bytes(kMaxRtpBytes), 960, {}).error().code(), Errc::invalid_argument);
  EXPECT_EQ(parse_rtp(packetizer.packet(Bytes{1}, 960, {}).value()).value().sequence, 5);
}

}  // namespace
}  // namespace parley
