#include "livekit/room/negotiation.hpp"

#include <gtest/gtest.h>

namespace parley::livekit {
namespace {

using Act = Negotiation::Act;

proto::MediaSectionsRequirement requirement(unsigned audios) {
  proto::MediaSectionsRequirement required;
  required.set_num_audios(audios);
  return required;
}

class NegotiationTest : public ::testing::Test {
 protected:
  // One whole round.
  void round() {
    ASSERT_EQ(negotiation.poll(now), Act::offer);
    ASSERT_TRUE(negotiation.answered(negotiation.offered("sdp", now)));
  }

  Negotiation negotiation;
  TimePoint now{100s};
};

TEST_F(NegotiationTest, NothingWanted_NothingOffered) {
  EXPECT_EQ(negotiation.poll(now), Act::wait);
  EXPECT_FALSE(negotiation.look_at(now));
}

TEST_F(NegotiationTest, RequirementOfNoSections_StillMeansOfferAgain) {
  EXPECT_EQ(negotiation.required(requirement(0), 2), 0u);
  EXPECT_EQ(negotiation.poll(now), Act::offer);
}

TEST_F(NegotiationTest, OneOfferIsOutstanding_TheNextWaitsForItsAnswer) {
  negotiation.want();
  const auto id = negotiation.offered("first", now);
  EXPECT_EQ(negotiation.required(requirement(1), 2), 1u);
  EXPECT_EQ(negotiation.poll(now), Act::wait);
  EXPECT_FALSE(negotiation.answered(id + 7)) << "another's answer";
  EXPECT_EQ(negotiation.poll(now), Act::wait);
  EXPECT_TRUE(negotiation.answered(id));
  EXPECT_FALSE(negotiation.answered(id)) << "the same answer twice";
  EXPECT_EQ(negotiation.poll(now), Act::offer);
  EXPECT_EQ(negotiation.offered("second", now), id + 1);
}

TEST_F(NegotiationTest, NoAnswer_IsAskedOnceMoreAndThenGivenUp) {
  negotiation.want();
  negotiation.offered("sdp", now);
  EXPECT_EQ(negotiation.look_at(now), now + Negotiation::kAnswerWithin);
  EXPECT_EQ(negotiation.poll(now + 14s), Act::wait);
  now += 15s;
  EXPECT_EQ(negotiation.poll(now), Act::repeat);
  EXPECT_EQ(negotiation.offered(negotiation.sdp(), now), 2u);
  EXPECT_EQ(negotiation.poll(now + 15s), Act::give_up);
}

TEST_F(NegotiationTest, Resumed_OutstandingOfferIsRepeatedAndAFreshOneFollows) {
  negotiation.want();
  negotiation.offered("sdp", now);
  negotiation.resumed();
  ASSERT_EQ(negotiation.poll(now), Act::repeat);
  EXPECT_TRUE(negotiation.answered(negotiation.offered("sdp", now)));
  EXPECT_EQ(negotiation.poll(now), Act::offer);
}

TEST_F(NegotiationTest, ResumedWithNothingUnderWay_OneFreshOffer) {
  negotiation.resumed();
  round();
  EXPECT_EQ(negotiation.poll(now), Act::wait);
}

TEST_F(NegotiationTest, ServerThatAsksForEver_IsAnsweredOnceASecond) {
  for (std::size_t i = 0; i < Negotiation::kBurst; ++i) {
    negotiation.required(requirement(0), 2);
    round();
  }
  negotiation.required(requirement(0), 2);
  EXPECT_EQ(negotiation.poll(now), Act::wait);
  EXPECT_EQ(negotiation.look_at(now), now + Negotiation::kSpacing);
  now += Negotiation::kSpacing;
  round();
  negotiation.required(requirement(0), 2);
  EXPECT_EQ(negotiation.poll(now), Act::wait);
  now += Negotiation::kWindow;
  EXPECT_EQ(negotiation.poll(now), Act::offer);
}

TEST_F(NegotiationTest, EverMoreSections_AreCappedAndThenGivenUp) {
  EXPECT_EQ(negotiation.required(requirement(4'000'000'000U), 2), Negotiation::kMaxReceivers - 2);
  EXPECT_EQ(negotiation.poll(now), Act::offer);
  EXPECT_EQ(negotiation.required(requirement(1), Negotiation::kMaxReceivers), 0u);
  EXPECT_EQ(negotiation.required(requirement(1), Negotiation::kMaxReceivers), 0u);
  EXPECT_EQ(negotiation.poll(now), Act::give_up);
}

TEST(TracksByMid, TheAnswersMap_CountsBeforeItsLines) {
  proto::SessionDescription answer;
  answer.set_sdp("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=msid:PA_x|TR_old TR_old\r\n");
  (*answer.mutable_mid_to_track_id())["2"] = "TR_new";
  EXPECT_EQ(tracks_by_mid(answer), (std::map<std::string, std::string>{{"2", "TR_new"}}));
}

TEST(TracksByMid, WithoutAMap_TheMsidLinesSayIt) {
  proto::SessionDescription answer;
  answer.set_sdp(
      "v=0\r\nm=application 9 X 0\r\na=mid:0\r\nm=audio 9 X 111\r\na=mid:1\r\nm=audio 9 X 111\r\na=msid:PA_x|TR_a "
      "TR_a\r\na=mid:2\r\n"
      "m=audio 9 X 111\na=mid:3\na=msid:PA_y|TR_b TR_b");
  EXPECT_EQ(tracks_by_mid(answer), (std::map<std::string, std::string>{{"2", "TR_a"}, {"3", "TR_b"}}));
}

TEST(TracksByMid, WhatIsNoTrack_IsLeftAside) {
  proto::SessionDescription answer;
  for (int i = 0; i < 1000; ++i) (*answer.mutable_mid_to_track_id())[std::to_string(i)] = "TR_x";
  EXPECT_LT(tracks_by_mid(answer).size(), 50u);
  answer.clear_mid_to_track_id();
  (*answer.mutable_mid_to_track_id())["1"] = "PA_x";
  (*answer.mutable_mid_to_track_id())["2"] = "TR_" + std::string(1000, 'x');
  (*answer.mutable_mid_to_track_id())[std::string(1000, '3')] = "TR_x";
  EXPECT_TRUE(tracks_by_mid(answer).empty());
}

}  // namespace
}  // namespace parley::livekit
