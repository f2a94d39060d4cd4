#include "audio/sender.hpp"

#include <gtest/gtest.h>

#include "signals.hpp"

namespace parley {
namespace {

using testing::at_ms;

class Sender : public ::testing::Test {
 protected:
  std::optional<RtpPacket> send(const AudioFrame& frame) {
    auto sent = sender_.send(frame, at_ms(20.0 * frames_++)).value();
    if (!sent) return std::nullopt;
    last_ = std::move(*sent);
    return parse_rtp(last_).value();
  }
  std::optional<RtpPacket> speak() { return send(testing::frame_of(voice_, static_cast<std::size_t>(frames_) % 50)); }
  std::optional<RtpPacket> be_silent() { return send({std::vector<std::int16_t>(960), kTransportRate}); }

  std::vector<std::int16_t> voice_ = testing::voice(48000);
  AudioSender sender_ =
      AudioSender::create({.rtp = {.ssrc = 9, .audio_level_id = 1, .first_sequence = 100, .first_timestamp = 5000}})
          .value();
  int frames_ = 0;
  Bytes last_;
};

TEST_F(Sender, Speech_IsOnePacketAFrameWithTimestampsInStep) {
  for (int i = 0; i < 50; ++i) {
    const auto packet = speak();
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->sequence, 100 + i);
    EXPECT_EQ(packet->timestamp, 5000U + 960U * static_cast<std::uint32_t>(i));
    EXPECT_EQ(packet->marker, i == 0);
    EXPECT_EQ(packet->ssrc, 9U);
    EXPECT_EQ(opus_duration(packet->payload).value(), 960U);
  }
  EXPECT_EQ(sender_.stats().packets, 50U);
}

TEST_F(Sender, AudioLevel_IsThatOfTheFrame) {
  const auto packet = send({testing::tone(1000, 960, kTransportRate, 32767), kTransportRate});
  EXPECT_EQ(packet->audio_level(1), (AudioLevel{3, true}));
  const auto soft = send({testing::tone(1000, 960, kTransportRate, 60), kTransportRate});
  EXPECT_EQ(soft->audio_level(1), (AudioLevel{58, false}));
}

TEST_F(Sender, WhatWasEncodedBefore_IsSentAsItIsSilentOrNot_InStepWithTheRest) {
  const Bytes opus{0xf8, 0xff, 0xfe};
  EXPECT_EQ(speak()->timestamp, 5000U);
  last_ = sender_.send_encoded(opus, 127, at_ms(20)).value();
  const auto silent = parse_rtp(last_).value();
  EXPECT_EQ(silent.sequence, 101);
  EXPECT_EQ(silent.timestamp, 5960U);
  EXPECT_TRUE(std::ranges::equal(silent.payload, opus));
  EXPECT_EQ(silent.audio_level(1), (AudioLevel{127, false}));
  last_ = sender_.send_encoded(opus, 30, at_ms(40)).value();
  EXPECT_EQ(parse_rtp(last_).value().audio_level(1), (AudioLevel{30, true}));
  EXPECT_EQ(sender_.stats().packets, 3U);
}

TEST_F(Sender, SilenceFromTheStart_IsNeverSent) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(be_silent());
  EXPECT_EQ(sender_.stats().silent_frames, 100U);
}

TEST_F(Sender, SilenceAfterSpeech_IsSentForTwoHundredMillisecondsThenNotAtAll) {
  speak();
  int sent = 0;
  for (int i = 0; i < 100; ++i) sent += be_silent() ? 1 : 0;
  EXPECT_EQ(sent, AudioSender::kHangover / kFrameDuration);
}

TEST_F(Sender, NoiseBelowTheThreshold_CountsAsSilence) {
  speak();
  for (int i = 0; i < 20; ++i) send({testing::tone(300, 960, kTransportRate, 10), kTransportRate});
  EXPECT_FALSE(send({testing::tone(300, 960, kTransportRate, 10), kTransportRate}));
  EXPECT_TRUE(send({testing::tone(300, 960, kTransportRate, 30), kTransportRate}));
}

TEST_F(Sender, SpeechAfterSilence_HasTheMarkerTheNextSequenceAndTheTrueTimestamp) {
  speak();
  for (int i = 0; i < 100; ++i) be_silent();
  const auto packet = speak();
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->marker);
  EXPECT_EQ(packet->sequence, 100 + 1 + 10);
  EXPECT_EQ(packet->timestamp, 5000U + 960U * 101);
  EXPECT_FALSE(speak()->marker);
}

TEST_F(Sender, PauseBetweenWords_IsSentOn) {
  speak();
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(be_silent());
  EXPECT_FALSE(speak()->marker);
}

TEST_F(Sender, SkippedTime_MovesTheTimestampAndBeginsATalkspurt) {
  speak();
  sender_.skip(4800, at_ms(120));
  const auto packet = speak();
  EXPECT_EQ(packet->timestamp, 5000U + 960 + 4800);
  EXPECT_TRUE(packet->marker);
  sender_.skip(0, at_ms(160));
  EXPECT_FALSE(speak()->marker) << "nothing was skipped";
}

TEST_F(Sender, Status_TellsTheTimestampOfThisMoment) {
  EXPECT_EQ(sender_.status(at_ms(0)).rtp_timestamp, 5000U);
  speak();  // begins at 0 ms
  speak();  // begins at 20 ms
  EXPECT_EQ(sender_.status(at_ms(20)).rtp_timestamp, 5000U + 960);
  EXPECT_EQ(sender_.status(at_ms(30)).rtp_timestamp, 5000U + 960 + 480);
  EXPECT_EQ(sender_.status(at_ms(30)).packets, 2U);
  EXPECT_EQ(sender_.status(at_ms(30)).octets, sender_.stats().octets);
}

TEST_F(Sender, StatusAfterAStall_IsWhereTheStreamIs) {
  speak();
  sender_.skip(48000, at_ms(1020));
  EXPECT_EQ(sender_.status(at_ms(1020)).rtp_timestamp, 5000U + 960 + 48000);
}

TEST_F(Sender, ReportedLoss_NeverLowersTheRedundancyBelowItsSetting) {
  sender_.set_loss(0.0);
  int copies = 0;
  for (int i = 0; i < 50; ++i) copies += opus_has_fec(speak()->payload) ? 1 : 0;
  EXPECT_GE(copies, 30);
  sender_.set_loss(1.0);
  EXPECT_TRUE(speak());
}

TEST_F(Sender, WrongFrames_AreRefused) {
  EXPECT_EQ(sender_.send({std::vector<std::int16_t>(320), kSpeechRate}, at_ms(0)).error().code(),
            Errc::invalid_argument);
  EXPECT_EQ(sender_.send({std::vector<std::int16_t>(100), kTransportRate}, at_ms(0)).error().code(),
            Errc::invalid_argument);
}

}  // namespace
}  // namespace parley
