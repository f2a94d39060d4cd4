#include "audio/opus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "signals.hpp"

namespace parley {
namespace {

using ::testing::HasSubstr;

// A voice as Opus packets.
std::vector<Bytes> encode(const std::vector<std::int16_t>& sound, const OpusSettings& settings = {}) {
  auto encoder = OpusEncoder::create(settings).value();
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i + kTransportFrameSamples <= sound.size(); i += kTransportFrameSamples) {
    const auto packet = encoder.encode(Samples(sound).subspan(i, kTransportFrameSamples)).value();
    packets.emplace_back(packet.begin(), packet.end());
  }
  return packets;
}

// Loudness of each 20 ms as it goes up and down: correlation between two sounds.
double envelope_correlation(Samples a, Samples b) {
  const auto frames = std::min(a.size(), b.size()) / 480;
  double ma = 0;
  double mb = 0;
  std::vector<double> ea;
  std::vector<double> eb;
  for (std::size_t i = 0; i < frames; ++i) {
    ea.push_back(testing::rms(a.subspan(i * 480, 480)));
    eb.push_back(testing::rms(b.subspan(i * 480, 480)));
    ma += ea.back() / static_cast<double>(frames);
    mb += eb.back() / static_cast<double>(frames);
  }
  double cross = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < frames; ++i) {
    cross += (ea[i] - ma) * (eb[i] - mb);
    aa += (ea[i] - ma) * (ea[i] - ma);
    bb += (eb[i] - mb) * (eb[i] - mb);
  }
  return cross / std::sqrt(aa * bb);
}

TEST(Opus, VoiceThereAndBack_SoundsTheSame) {
  const auto sound = testing::voice(48000 * 2);
  auto decoder = OpusDecoder::create().value();
  std::vector<std::int16_t> all;
  std::vector<std::int16_t> frame;
  for (const auto& packet : encode(sound)) {
    ASSERT_TRUE(decoder.decode(packet, frame));
    ASSERT_EQ(frame.size(), kTransportFrameSamples);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  constexpr std::size_t kCodecDelay = 312;  // 6.5 ms
  EXPECT_GT(envelope_correlation(sound, Samples(all).subspan(kCodecDelay)), 0.97);
  EXPECT_NEAR(testing::rms(all) / testing::rms(sound), 1.0, 0.15);
}

TEST(Opus, Bitrate_IsKept) {
  for (const int bitrate : {16'000, 24'000, 32'000}) {
    std::size_t bytes = 0;
    for (const auto& packet : encode(testing::voice(48000 * 4), {.bitrate = bitrate})) bytes += packet.size();
    EXPECT_NEAR(static_cast<double>(bytes) * 8 / 4, bitrate, bitrate * 0.25);
  }
}

TEST(Opus, MostPacketsOfAVoice_CarryACopyOfTheOneBefore) {
  const auto packets = encode(testing::voice(48000 * 2));
  EXPECT_GE(std::ranges::count_if(packets, [](const Bytes& p) { return opus_has_fec(p); }), 65);  // not after soft ones
}

TEST(Opus, NoLossExpected_NoCopies) {
  const auto packets = encode(testing::voice(48000 * 2), {.loss_percent = 0});
  EXPECT_EQ(std::ranges::count_if(packets, [](const Bytes& p) { return opus_has_fec(p); }), 0);
}

TEST(Opus, LossPercent_CanBeSetWhileItRuns) {
  auto encoder = OpusEncoder::create({.loss_percent = 0}).value();
  const auto sound = testing::voice(48000);
  int copies = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    if (i == 25) encoder.set_loss_percent(20);
    copies += opus_has_fec(encoder.encode(testing::frame_of(sound, i).samples).value()) ? 1 : 0;
    if (i == 24) {
      EXPECT_EQ(copies, 0);
    }
  }
  EXPECT_GE(copies, 15);
  encoder.set_loss_percent(500);
  EXPECT_EQ(encoder.loss_percent(), 100);
}

TEST(Opus, LostPacket_ComesBackFromItsSuccessor) {
  const auto sound = testing::voice(48000 * 2);
  const auto packets = encode(sound);
  // Every fourth packet is lost: once restored from the copy, once only concealed.
  double restored_error = 0;
  double concealed_error = 0;
  for (const bool fec : {true, false}) {
    auto clean = OpusDecoder::create().value();
    auto lossy = OpusDecoder::create().value();
    std::vector<std::int16_t> want;
    std::vector<std::int16_t> got;
    double error = 0;
    for (std::size_t i = 0; i + 1 < packets.size(); ++i) {
      ASSERT_TRUE(clean.decode(packets[i], want));
      if (i % 4 != 3) {
        ASSERT_TRUE(lossy.decode(packets[i], got));
      } else if (fec) {
        ASSERT_TRUE(lossy.decode_lost(packets[i + 1], kTransportFrameSamples, got));
      } else {
        lossy.conceal(kTransportFrameSamples, got);
      }
      for (std::size_t s = 0; s < want.size(); ++s) error += std::pow(static_cast<double>(want[s]) - got[s], 2);
    }
    (fec ? restored_error : concealed_error) = error;
  }
  EXPECT_LT(restored_error, concealed_error * 0.5);
}

TEST(Opus, SuccessorWithoutACopy_IsConcealedInstead) {
  const auto packets = encode(testing::voice(48000), {.loss_percent = 0});
  auto decoder = OpusDecoder::create().value();
  std::vector<std::int16_t> frame;
  ASSERT_TRUE(decoder.decode(packets[20], frame));
  ASSERT_TRUE(decoder.decode_lost(packets[22], kTransportFrameSamples, frame));
  EXPECT_EQ(frame.size(), kTransportFrameSamples);
  EXPECT_GT(testing::rms(frame), 50);
}

TEST(Opus, Concealment_SoundsOnThenFadesToSilence) {
  auto decoder = OpusDecoder::create().value();
  std::vector<std::int16_t> frame;
  for (const auto& packet : encode(testing::tone(200, 48000))) ASSERT_TRUE(decoder.decode(packet, frame));
  const auto before = testing::rms(frame);
  std::vector<double> loudness;
  for (int i = 0; i < 7; ++i) {
    decoder.conceal(kTransportFrameSamples, frame);
    ASSERT_EQ(frame.size(), kTransportFrameSamples);
    loudness.push_back(testing::rms(frame));
  }
  EXPECT_GT(loudness[0], before * 0.3);
  EXPECT_LT(loudness[4], before * 0.3);
  EXPECT_EQ(loudness[5], 0);
  EXPECT_EQ(loudness[6], 0);
}

TEST(Opus, ConcealmentBeforeAnyPacket_IsSilence) {
  auto decoder = OpusDecoder::create().value();
  std::vector<std::int16_t> frame;
  decoder.conceal(kTransportFrameSamples, frame);
  EXPECT_EQ(frame, std::vector<std::int16_t>(kTransportFrameSamples));
}

TEST(Opus, AfterConcealment_TheNextPacketIsHeardAndConcealmentBeginsAnew) {
  auto decoder = OpusDecoder::create().value();
  const auto packets = encode(testing::voice(48000));
  std::vector<std::int16_t> frame;
  for (int i = 0; i < 10; ++i) decoder.conceal(kTransportFrameSamples, frame);
  for (std::size_t i = 10; i < 20; ++i) ASSERT_TRUE(decoder.decode(packets[i], frame));
  decoder.conceal(kTransportFrameSamples, frame);
  EXPECT_GT(testing::rms(frame), 100);
}

TEST(Opus, PacketDurations_AreReadFromTheFirstBytes) {
  EXPECT_EQ(opus_duration(encode(testing::voice(960)).at(0)).value(), 960U);
  EXPECT_EQ(opus_duration(Bytes{0x18, 0, 0}).value(), 2880U);  // SILK, narrow band, 60 ms
  EXPECT_EQ(opus_duration(Bytes{0xE0, 0, 0}).value(), 120U);   // CELT, 2.5 ms
}

TEST(Opus, HostilePayloads_AreErrorsAndTheDecoderGoesOn) {
  auto decoder = OpusDecoder::create().value();
  const auto packets = encode(testing::voice(48000));
  std::vector<std::int16_t> frame;
  ASSERT_TRUE(decoder.decode(packets[0], frame));
  for (const Bytes& bad : {Bytes{}, Bytes{0x03}, Bytes{0x03, 0x7F}, Bytes{0x01, 1}, Bytes(1501, 0x60)}) {
    EXPECT_EQ(decoder.decode(bad, frame).error().code(), Errc::protocol);
    EXPECT_EQ(decoder.decode_lost(bad, 960, frame).error().code(), Errc::protocol);
    EXPECT_EQ(opus_duration(bad).error().code(), Errc::protocol);
    EXPECT_FALSE(opus_has_fec(bad));
  }
  EXPECT_TRUE(decoder.decode(packets[1], frame));
}

TEST(Opus, RandomBytes_NeverDecodeToMoreThanAPacketHolds) {
  Random random(3);
  auto decoder = OpusDecoder::create().value();
  std::vector<std::int16_t> frame;
  for (int i = 0; i < 3000; ++i) {
    Bytes bytes(random.below(200));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (decoder.decode(bytes, frame)) {
      ASSERT_EQ(frame.size(), opus_duration(bytes).value());
    }
    (void)decoder.decode_lost(bytes, 960, frame);
    ASSERT_LE(frame.size(), kMaxOpusPacketSamples);
  }
}

TEST(Opus, StereoPackets_BecomeMono) {
  // CELT, full band, 20 ms, stereo: the flag is bit 2 of the first byte. An all-zero payload is a valid silent frame.
  auto decoder = OpusDecoder::create().value();
  std::vector<std::int16_t> frame;
  ASSERT_TRUE(decoder.decode(Bytes{0xFC, 0xFF, 0xFE}, frame));
  EXPECT_EQ(frame.size(), kTransportFrameSamples);
}

TEST(Opus, WrongFramesAndSettings_AreRefused) {
  auto encoder = OpusEncoder::create().value();
  EXPECT_THAT(encoder.encode(std::vector<std::int16_t>(480)).error().message(), HasSubstr("not 480"));
  EXPECT_EQ(OpusEncoder::create({.bitrate = 1}).error().code(), Errc::invalid_argument);
  EXPECT_EQ(OpusEncoder::create({.complexity = 11}).error().code(), Errc::invalid_argument);
}

}  // namespace
}  // namespace parley
