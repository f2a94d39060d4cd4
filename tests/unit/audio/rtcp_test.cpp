#include "audio/rtcp.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}
std::string error_of(const Bytes& bytes) { return parse_rtcp(bytes).error().message(); }

const ReportBlock kBlock{0x11223344, 25, -3, 0x0001FFFE, 480, 0xABCD1234, 65536};

TEST(Rtcp, SenderReportWithDescription_ReadsBackAsWritten) {
  const SenderReport report{1, 0x0123456789ABCDEF, 48000, 100, 8000, {kBlock}};
  const auto bytes = build_sender_report(report, "agent@parley");
  EXPECT_EQ(bytes.size() % 4, 0U);
  const auto compound = parse_rtcp(bytes).value();
  EXPECT_THAT(compound.sender_reports, ElementsAre(report));
  EXPECT_THAT(compound.descriptions, ElementsAre(SourceDescription{1, "agent@parley"}));
}

TEST(Rtcp, ReceiverReportWithDescription_ReadsBackAsWritten) {
  const ReceiverReport report{9, {kBlock, ReportBlock{.ssrc = 5, .cumulative_lost = 8'388'607}}};
  const auto compound = parse_rtcp(build_receiver_report(report, "x")).value();
  EXPECT_THAT(compound.receiver_reports, ElementsAre(report));
  EXPECT_THAT(compound.descriptions, ElementsAre(SourceDescription{9, "x"}));
}

TEST(Rtcp, NamesOfEveryLength_ArePaddedToWholeWords) {
  for (std::size_t length = 0; length <= 300; ++length) {
    const std::string name(length, 'n');
    const auto bytes = build_receiver_report({1, {}}, name);
    ASSERT_EQ(bytes.size() % 4, 0U);
    ASSERT_EQ(parse_rtcp(bytes).value().descriptions.at(0).cname, name.substr(0, kMaxCnameBytes)) << length;
  }
}

TEST(Rtcp, TooManyBlocks_AreLeftOut) {
  const auto bytes = build_receiver_report({1, std::vector<ReportBlock>(40, kBlock)}, "x");
  EXPECT_THAT(parse_rtcp(bytes).value().receiver_reports.at(0).blocks, SizeIs(kMaxReportBlocks));
}

TEST(Rtcp, KnownBytesOfAReceiverReport) {
  // RFC 3550 section 6.4.2, laid out by hand.
  const auto bytes = build_receiver_report({0x01020304, {kBlock}}, "a");
  const Bytes expected{0x81, 201,  0,    7,    1,  2,    3,    4,     //
                       0x11, 0x22, 0x33, 0x44, 25, 0xFF, 0xFF, 0xFD,  //
                       0,    1,    0xFF, 0xFE, 0,  0,    1,    0xE0,  //
                       0xAB, 0xCD, 0x12, 0x34, 0,  1,    0,    0,     //
                       0x81, 202,  0,    2,    1,  2,    3,    4,    1, 1, 'a', 0};
  EXPECT_EQ(bytes, expected);
}

TEST(Rtcp, Goodbye_GivesSourcesAndReason) {
  const Bytes bytes{0x82, 203, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 4, 'd', 'o', 'n', 'e', 0, 0, 0};
  const auto compound = parse_rtcp(bytes).value();
  EXPECT_THAT(compound.goodbyes, ElementsAre(Goodbye{{1, 2}, "done"}));
}

TEST(Rtcp, FeedbackAndUnknownTypes_AreSkippedAndCounted) {
  const Bytes nack{0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 0};
  const Bytes extended{0x80, 207, 0, 1, 0, 0, 0, 1};
  const auto compound = parse_rtcp(nack + extended + build_receiver_report({1, {}}, "x")).value();
  EXPECT_EQ(compound.skipped, 2U);
  EXPECT_THAT(compound.receiver_reports, SizeIs(1));
}

TEST(Rtcp, Padding_IsTakenOff) {
  const Bytes padded{0xA1, 203, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4};
  EXPECT_THAT(parse_rtcp(padded).value().goodbyes, ElementsAre(Goodbye{{1}, ""}));
  EXPECT_THAT(error_of({0xA1, 203, 0, 1, 0, 0, 0, 5}), HasSubstr("padding"));
  EXPECT_THAT(error_of({0xA0, 203, 0, 0}), HasSubstr("padding"));
  EXPECT_THAT(error_of({0xA1, 203, 0, 1, 0, 0, 0, 0}), HasSubstr("padding"));
}

TEST(Rtcp, WrongLengths_AreErrors) {
  EXPECT_THAT(error_of({}), HasSubstr("empty"));
  EXPECT_THAT(error_of({0x80, 201, 0}), HasSubstr("shorter than its header"));
  EXPECT_THAT(error_of({0x40, 201, 0, 0}), HasSubstr("version 2"));
  EXPECT_THAT(error_of({0x80, 201, 0, 1}), HasSubstr("longer than what came"));
  EXPECT_THAT(error_of({0x80, 201, 0, 0}), HasSubstr("without its sender"));
  EXPECT_THAT(error_of({0x80, 200, 0, 1, 0, 0, 0, 1}), HasSubstr("sender information"));
  EXPECT_THAT(error_of({0x81, 201, 0, 1, 0, 0, 0, 1}), HasSubstr("more report blocks"));
  EXPECT_THAT(error_of({0x82, 203, 0, 1, 0, 0, 0, 1}), HasSubstr("more sources"));
  EXPECT_THAT(error_of({0x81, 203, 0, 2, 0, 0, 0, 1, 9, 'a', 'b', 'c'}), HasSubstr("reason"));
  EXPECT_THAT(error_of(Bytes(kMaxRtcpBytes + 4, 0x80)), HasSubstr("larger"));
}

TEST(Rtcp, BrokenSourceDescriptions_AreErrorsAndEnd) {
  EXPECT_THAT(error_of({0x81, 202, 0, 0}), HasSubstr("more source descriptions"));
  EXPECT_THAT(error_of({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 200, 'a', 'b'}), HasSubstr("longer than the packet"));
  EXPECT_THAT(error_of({0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 'a', 'b'}), HasSubstr("without an end"));
  EXPECT_THAT(error_of({0x9F, 202, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0}), HasSubstr("more source descriptions"));
}

TEST(Rtcp, EveryShorterPieceOfACompound_IsReadOrRefusedWithoutHarm) {
  const auto whole =
      build_sender_report({1, 2, 3, 4, 5, {kBlock, kBlock}}, "name") + build_receiver_report({1, {}}, "n");
  std::size_t read = 0;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    read += parse_rtcp(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))) ? 1 : 0;
  }
  EXPECT_EQ(read, 4U);  // after each of the four packets
}

TEST(Rtcp, NtpTime_CountsFrom1900) {
  EXPECT_EQ(to_ntp(WallTime{}) >> 32, 2208988800U);
  EXPECT_EQ(to_ntp(WallTime{500ms}) & 0xFFFFFFFF, 0x80000000U);
  EXPECT_EQ(ntp_middle(0x0123456789ABCDEF), 0x456789ABU);
}

}  // namespace
}  // namespace parley
