#include "audio/time_stretch.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "signals.hpp"

namespace parley {
namespace {

TEST(TimeStretch, Tone_LosesWholePeriodsAndKeepsItsWave) {
  const auto tone = testing::tone(200, 960);
  auto frame = tone;
  const auto removed = shorten(frame);
  ASSERT_GT(removed, 0U);
  EXPECT_EQ(frame.size(), 960 - removed);
  EXPECT_EQ(removed % 240, 0U) << "200 Hz is 240 samples long";
  EXPECT_LE(testing::largest_step(frame), testing::largest_step(tone) + 2) << "no click";
}

TEST(TimeStretch, Tone_GainsWholePeriodsAndKeepsItsWave) {
  const auto tone = testing::tone(150, 960);
  auto frame = tone;
  const auto added = lengthen(frame);
  ASSERT_GT(added, 0U);
  EXPECT_EQ(frame.size(), 960 + added);
  EXPECT_EQ(added % 320, 0U);
  EXPECT_LE(testing::largest_step(frame), testing::largest_step(tone) + 2);
}

TEST(TimeStretch, Voice_IsMovedByAPitchPeriodMostOfTheTime) {
  const auto voice = testing::voice(48000);
  int shortened = 0;
  int lengthened = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    auto frame = testing::frame_of(voice, i).samples;
    const auto step = testing::largest_step(frame);
    shortened += shorten(frame) > 0 ? 1 : 0;
    EXPECT_LE(testing::largest_step(frame), step * 1.3 + 200);
    frame = testing::frame_of(voice, i).samples;
    lengthened += lengthen(frame) > 0 ? 1 : 0;
    EXPECT_LE(testing::largest_step(frame), step * 1.3 + 200);
  }
  EXPECT_GE(shortened, 35);
  EXPECT_GE(lengthened, 35);
}

TEST(TimeStretch, EndsOfTheFrame_StayAsTheyAre) {
  const auto voice = testing::voice(960);
  auto shorter = voice;
  auto longer = voice;
  ASSERT_GT(shorten(shorter, true), 0U);
  ASSERT_GT(lengthen(longer, true), 0U);
  for (const auto& frame : {shorter, longer}) {
    EXPECT_EQ(frame.front(), voice.front());
    EXPECT_EQ(frame.back(), voice.back());
  }
}

TEST(TimeStretch, LoudNoise_IsLeftAloneUnlessForced) {
  Random random(1);
  std::vector<std::int16_t> noise(960);
  for (auto& sample : noise) sample = static_cast<std::int16_t>(static_cast<int>(random.below(20000)) - 10000);
  auto frame = noise;
  EXPECT_EQ(shorten(frame), 0U);
  EXPECT_EQ(lengthen(frame), 0U);
  EXPECT_EQ(frame, noise);
  EXPECT_GT(shorten(frame, true), 0U);
}

TEST(TimeStretch, SilenceAndSoftNoise_AreAlwaysStretched) {
  std::vector<std::int16_t> silence(960);
  EXPECT_GT(shorten(silence), 0U);
  Random random(1);
  std::vector<std::int16_t> soft(960);
  for (auto& sample : soft) sample = static_cast<std::int16_t>(static_cast<int>(random.below(100)) - 50);
  EXPECT_GT(lengthen(soft), 0U);
}

TEST(TimeStretch, ShortFrames_StayUnchanged) {
  for (const std::size_t size : {0U, 1U, 480U, 959U}) {
    auto frame = testing::tone(200, size);
    const auto before = frame;
    EXPECT_EQ(shorten(frame, true), 0U);
    EXPECT_EQ(lengthen(frame, true), 0U);
    EXPECT_EQ(frame, before);
  }
}

TEST(TimeStretch, FullScaleSquareWave_DoesNotOverflow) {
  std::vector<std::int16_t> square(2880);
  for (std::size_t i = 0; i < square.size(); ++i) square[i] = i % 200 < 100 ? 32767 : -32768;
  EXPECT_GT(shorten(square, true), 0U);
  EXPECT_GT(lengthen(square, true), 0U);
}

}  // namespace
}  // namespace parley
