#include "audio/samples.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "audio/sample_fifo.hpp"
#include "signals.hpp"

namespace parley {
namespace {

TEST(Samples, EverySampleThroughFloat_ComesBackAsItWas) {
  std::vector<std::int16_t> all;
  for (int s = -32768; s <= 32767; ++s) all.push_back(static_cast<std::int16_t>(s));
  std::vector<float> floats(all.size());
  std::vector<std::int16_t> back(all.size());
  to_float(all, floats);
  to_s16(floats, back);
  EXPECT_EQ(back, all);
}

TEST(Samples, FloatOutOfRange_Saturates) {
  EXPECT_EQ(to_s16(1.5F), 32767);
  EXPECT_EQ(to_s16(-1.5F), -32768);
  EXPECT_EQ(to_s16(std::numeric_limits<float>::infinity()), 32767);
  EXPECT_EQ(to_s16(-std::numeric_limits<float>::infinity()), -32768);
  EXPECT_EQ(to_s16(std::numeric_limits<float>::quiet_NaN()), 0);
}

TEST(Samples, GainOfTwentyDecibels_IsTenfold) {
  EXPECT_FLOAT_EQ(gain_from_db(20), 10.0F);
  EXPECT_NEAR(gain_from_db(-6), 0.501F, 0.001F);
  std::array<std::int16_t, 3> samples{100, -100, 5000};
  apply_gain(samples, 10.0F);
  EXPECT_EQ(samples, (std::array<std::int16_t, 3>{1000, -1000, 32767}));
}

TEST(Samples, MixingBeyondFullScale_Saturates) {
  std::array<std::int16_t, 2> out{30000, -30000};
  const std::array<std::int16_t, 2> in{20000, -20000};
  mix_into(out, in, 0.5F);
  EXPECT_EQ(out, (std::array<std::int16_t, 2>{32767, -32768}));
}

TEST(Samples, RampFromFullToNothing_FallsEvenly) {
  std::array<std::int16_t, 4> samples{1000, 1000, 1000, 1000};
  apply_ramp(samples, 1.0F, 0.0F);
  EXPECT_EQ(samples, (std::array<std::int16_t, 4>{1000, 750, 500, 250}));
}

TEST(Level, FullScaleSquareWave_IsZeroDbov) {
  std::vector<std::int16_t> square(960);
  for (std::size_t i = 0; i < square.size(); ++i) square[i] = i % 100 < 50 ? 32767 : -32768;
  EXPECT_NEAR(level_dbov(square), 0.0F, 0.001F);
  EXPECT_EQ(audio_level(square), 0);
}

TEST(Level, FullScaleSine_IsThreeDecibelsBelow) {
  EXPECT_NEAR(level_dbov(testing::tone(1000, 960, kTransportRate, 32767)), -3.01F, 0.01F);
}

TEST(Level, DigitalSilenceAndNothing_AreTheLowestLevel) {
  EXPECT_EQ(level_dbov(std::vector<std::int16_t>(960)), kSilenceDbov);
  EXPECT_EQ(level_dbov({}), kSilenceDbov);
  EXPECT_EQ(audio_level(std::vector<std::int16_t>(960)), 127);
}

TEST(AudioFrame, DurationFollowsItsRate) {
  EXPECT_EQ((AudioFrame{std::vector<std::int16_t>(960), kTransportRate}.duration()), 20ms);
  EXPECT_EQ((AudioFrame{std::vector<std::int16_t>(320), kSpeechRate}.duration()), 20ms);
  EXPECT_EQ(samples_in(20ms, kTransportRate), kTransportFrameSamples);
  EXPECT_EQ(samples_in(20ms, kSpeechRate), kSpeechFrameSamples);
  EXPECT_EQ(samples_in(-5ms, kTransportRate), 0U);
}

TEST(SampleFifo, PushAndPopInUnevenPieces_KeepOrderAndCount) {
  SampleFifo fifo;
  std::int16_t in = 0;
  std::int16_t expected = 0;
  for (std::size_t round = 1; round < 200; ++round) {
    std::vector<std::int16_t> piece(round % 37);
    for (auto& sample : piece) sample = in++;
    fifo.push(piece);
    std::vector<std::int16_t> out(round % 23 + 10);
    const auto got = fifo.pop(out);
    for (std::size_t i = 0; i < got; ++i) ASSERT_EQ(out[i], expected++);
  }
  EXPECT_EQ(fifo.size(), static_cast<std::size_t>(in - expected));
}

TEST(SampleFifo, PopFromEmpty_GivesNothing) {
  SampleFifo fifo;
  std::array<std::int16_t, 4> out{7, 7, 7, 7};
  EXPECT_EQ(fifo.pop(out), 0U);
  EXPECT_EQ(out[0], 7);
  fifo.push_silence(2);
  EXPECT_EQ(fifo.pop(out), 2U);
  EXPECT_TRUE(fifo.empty());
}

}  // namespace
}  // namespace parley
