#include "audio/receiver.hpp"

#include <gtest/gtest.h>

#include "audio/resample.hpp"
#include "audio/rtp.hpp"
#include "audio/sender.hpp"
#include "network.hpp"
#include "signals.hpp"

namespace parley {
namespace {

using testing::NetworkSettings;

// A sender, a network and a receiver.
struct Call {
  AudioReceiver receiver = AudioReceiver::create().value();
  std::vector<std::int16_t> heard;
  std::size_t longest_wait = 0;  // pulls without a frame at the start

  void run(const std::vector<std::int16_t>& sound, const NetworkSettings& net, std::uint64_t seed = 1,
           RtpStreamSettings rtp = {.ssrc = 1}) {
    auto sender = AudioSender::create({.rtp = rtp}).value();
    std::vector<std::optional<Bytes>> sent;
    const auto frames = sound.size() / kTransportFrameSamples;
    for (std::size_t i = 0; i < frames; ++i)
      sent.push_back(sender.send(testing::frame_of(sound, i), TimePoint{}).value());
    const auto packets = testing::carry(frames, net, seed);
    std::size_t next = 0;
    for (std::size_t i = 0; i < frames + 10; ++i) {
      const auto now = TimePoint(1s) + kFrameDuration * static_cast<std::int64_t>(i);
      for (; next < packets.size() && packets[next].arrives <= now; ++next) {
        const auto& packet = sent[packets[next].index];
        if (packet) EXPECT_TRUE(receiver.push(*packet, packets[next].arrives));
      }
      if (const auto frame = receiver.pull(now)) {
        EXPECT_EQ(frame->samples.size(), kTransportFrameSamples);
        heard.insert(heard.end(), frame->samples.begin(), frame->samples.end());
      } else {
        ++longest_wait;
        heard.insert(heard.end(), kTransportFrameSamples, 0);
      }
    }
  }

  // How alike the loudness of what was said and heard is, 10 ms by 10 ms, at the best delay, once the delay has
  // settled.
  double likeness(Samples said, std::size_t settled_after = 48000 * 5) const {
    const auto loud_said = loudness(said.subspan(settled_after));
    const auto loud_heard = loudness(Samples(heard).subspan(settled_after));
    double best = 0;
    for (std::size_t delay = 0; delay < 300; ++delay) best = std::max(best, correlation(loud_said, loud_heard, delay));
    return best;
  }
  // RMS of 10 ms, every 1 ms.
  static std::vector<double> loudness(Samples samples) {
    std::vector<double> out;
    for (std::size_t i = 0; i + 480 <= samples.size(); i += 48) out.push_back(testing::rms(samples.subspan(i, 480)));
    return out;
  }
  static double correlation(const std::vector<double>& said, const std::vector<double>& heard_then, std::size_t delay) {
    constexpr double kMean = 2500;
    double cross = 0;
    double a2 = 0;
    double b2 = 0;
    for (std::size_t i = 0; i < said.size() && delay + i < heard_then.size(); i += 10) {
      const double a = said[i] - kMean;
      const double b = heard_then[delay + i] - kMean;
      cross += a * b;
      a2 += a * a;
      b2 += b * b;
    }
    return cross / std::sqrt(a2 * b2);
  }
};

TEST(Receiver, PerfectNetwork_VoiceIsHeardAsItWasSaid) {
  const auto sound = testing::voice(48000 * 10);
  Call call;
  call.run(sound, {});
  EXPECT_GT(call.likeness(sound), 0.97);
  const auto stats = call.receiver.stats();
  EXPECT_EQ(stats.jitter.lost, 0U);
  EXPECT_EQ(stats.malformed + stats.foreign + stats.undecodable, 0U);
}

TEST(Receiver, FivePercentLossAndSixtyMillisecondsOfJitter_VoiceStaysWhole) {
  const auto sound = testing::voice(48000 * 20);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Call call;
    call.run(sound, {.loss = 0.05, .jitter = 60ms}, seed);
    EXPECT_GT(call.likeness(sound), 0.90) << seed;
    EXPECT_GT(call.receiver.stats().jitter.fec, 20U);
  }
}

TEST(Receiver, ClockDrift_IsTakenUpByStretching) {
  const auto sound = testing::voice(48000 * 60);
  for (const double ppm : {1000.0, -1000.0}) {  // 60 ms in this minute
    Call call;
    call.run(sound, {.jitter = 10ms, .drift_ppm = ppm});
    const auto stats = call.receiver.stats();
    EXPECT_LE(stats.jitter.lost, 2U);
    EXPECT_GE(ppm > 0 ? stats.shortened : stats.lengthened, 4U);
    EXPECT_NEAR(to_ms(stats.jitter.delay), to_ms(stats.jitter.target), 45);
  }
}

TEST(Receiver, LossWithoutStretching_MakesNoClicks) {
  const auto sound = testing::voice(48000 * 5);
  Call clean;
  clean.run(sound, {});
  Call lossy;
  lossy.run(sound, {.drop = [](std::size_t i) { return i % 20 == 19; }});
  EXPECT_LE(testing::largest_step(lossy.heard), 2 * testing::largest_step(clean.heard));
}

TEST(Receiver, SilenceOfTheSender_IsHeardAsDigitalSilence) {
  auto sound = testing::voice(48000);
  sound.resize(48000 * 3);
  Call call;
  call.run(sound, {});
  EXPECT_EQ(testing::rms(Samples(call.heard).subspan(48000 * 2, 48000)), 0);
}

TEST(Receiver, BeforeTheFirstPacket_ThereIsNoFrame) {
  auto receiver = AudioReceiver::create().value();
  EXPECT_FALSE(receiver.pull(TimePoint(1s)));
  EXPECT_EQ(receiver.reception(), nullptr);
}

TEST(Receiver, WhatIsNotThisTracksAudio_IsRefusedAndCounted) {
  auto receiver = AudioReceiver::create({.payload_type = 111, .ssrc = 5}).value();
  RtpPacketizer other_type({.ssrc = 5, .payload_type = 0});
  RtpPacketizer other_ssrc({.ssrc = 6});
  EXPECT_EQ(receiver.push(other_type.packet(Bytes{1}, 960, {}).value(), TimePoint{}).error().code(), Errc::refused);
  EXPECT_EQ(receiver.push(other_ssrc.packet(Bytes{1}, 960, {}).value(), TimePoint{}).error().code(), Errc::refused);
  EXPECT_EQ(receiver.stats().foreign, 2U);
  EXPECT_FALSE(receiver.last_received());
}

TEST(Receiver, Malformed_IsRefusedAndCounted) {
  auto receiver = AudioReceiver::create().value();
  RtpPacketizer packetizer({});
  EXPECT_EQ(receiver.push(Bytes{1, 2, 3}, TimePoint{}).error().code(), Errc::protocol);
  EXPECT_EQ(receiver.push(Bytes(kMaxRtpBytes + 1, 0x80), TimePoint{}).error().code(), Errc::protocol);
  EXPECT_EQ(receiver.push(packetizer.packet(Bytes{0x03}, 960, {}).value(), TimePoint{}).error().code(), Errc::protocol);
  EXPECT_EQ(receiver.push(packetizer.packet({}, 960, {}).value(), TimePoint{}).error().code(), Errc::protocol);
  EXPECT_EQ(receiver.stats().malformed, 4U);
  EXPECT_FALSE(receiver.pull(TimePoint(1s)));
}

TEST(Receiver, AnotherSender_IsHeardAfterTheFirst) {
  const auto sound = testing::voice(48000 * 2);
  Call call;
  call.run(sound, {});
  call.heard.clear();
  call.run(sound, {}, 1, {.ssrc = 2, .first_sequence = 40000, .first_timestamp = 12345});
  EXPECT_GT(call.likeness(sound, 0), 0.9);
  EXPECT_EQ(call.receiver.stats().jitter.restarts, 1U);
  EXPECT_EQ(call.receiver.reception()->ssrc(), 2U);
}

TEST(Receiver, StragglerOfTheLastSender_DoesNotDisturbTheCountOfTheNew) {
  const auto payload = Bytes{0xFC, 0xFF, 0xFE};
  auto receiver = AudioReceiver::create().value();
  RtpPacketizer old_sender({.ssrc = 1});
  RtpPacketizer new_sender({.ssrc = 2});
  const auto straggler = old_sender.packet(payload, 960, {}).value();
  ASSERT_TRUE(receiver.push(old_sender.packet(payload, 960, {}).value(), TimePoint(1s)));
  ASSERT_TRUE(receiver.push(new_sender.packet(payload, 960, {}).value(), TimePoint(1020ms)));
  ASSERT_TRUE(receiver.push(straggler, TimePoint(1030ms)));
  ASSERT_TRUE(receiver.push(new_sender.packet(payload, 960, {}).value(), TimePoint(1040ms)));
  EXPECT_EQ(receiver.reception()->ssrc(), 2U);
  EXPECT_EQ(receiver.reception()->received(), 2U);
}

TEST(Receiver, AfterReset_ItWaitsForANewStream) {
  const auto sound = testing::voice(48000);
  Call call;
  call.run(sound, {});
  call.receiver.reset();
  EXPECT_FALSE(call.receiver.pull(TimePoint(9s)));
  EXPECT_EQ(call.receiver.reception(), nullptr);
}

TEST(Receiver, Reception_CountsWhatTheNetworkBrought) {
  Call call;
  call.run(testing::voice(48000 * 10), {.drop = [](std::size_t i) { return i % 10 == 5; }});
  const auto block = call.receiver.reception()->report(TimePoint(11s));
  EXPECT_EQ(block.cumulative_lost, 50);
  EXPECT_NEAR(block.fraction_lost / 256.0, 0.1, 0.01);
}

TEST(Receiver, PacketsOfSixtyMilliseconds_ComeOutAsFramesOfTwenty) {
  auto receiver = AudioReceiver::create().value();
  RtpPacketizer packetizer({});
  std::size_t frames = 0;
  for (int i = 0; i < 90; ++i) {
    const auto now = TimePoint(1s) + kFrameDuration * i;
    if (i % 3 == 0) {
      // SILK, wide band, 60 ms; the decoder takes any bytes.
      ASSERT_TRUE(receiver.push(packetizer.packet(Bytes(60, 0x58), 2880, {}).value(), now));
    }
    const auto frame = receiver.pull(now);
    ASSERT_TRUE(frame);
    frames += frame->samples.size() == kTransportFrameSamples ? 1 : 0;
  }
  EXPECT_EQ(frames, 90U);
  EXPECT_EQ(receiver.stats().jitter.lost, 0U);
}

}  // namespace
}  // namespace parley
