#include "providers/moonshine/utterance_audio.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

namespace parley {
namespace {

constexpr std::size_t kSecond = 16000;

std::vector<float> tone_between_silences(std::size_t before, std::size_t tone, std::size_t after,
                                         float amplitude = 0.3F) {
  std::vector<float> samples(before + tone + after);
  for (std::size_t i = 0; i < tone; ++i) samples[before + i] = amplitude * std::sin(static_cast<float>(i) * 0.2F);
  return samples;
}

TEST(WithoutSilence, LongSilence_IsCutToLeadAndTail) {
  const auto samples = tone_between_silences(2 * kSecond, kSecond, 3 * kSecond);
  const auto cut = without_silence(samples);
  EXPECT_EQ(cut.data() - samples.data(), static_cast<std::ptrdiff_t>(2 * kSecond - kSecond / 10));
  EXPECT_EQ(cut.size(), kSecond / 10 + kSecond + kSecond / 5);
}

TEST(WithoutSilence, LittleSilence_Stays) {
  const auto samples = tone_between_silences(800, kSecond, 1600);
  EXPECT_EQ(without_silence(samples).size(), samples.size());
}

TEST(WithoutSilence, NoSound_IsEmpty) {
  EXPECT_TRUE(without_silence(std::vector<float>(kSecond)).empty());
  EXPECT_TRUE(without_silence({}).empty());
  EXPECT_TRUE(without_silence(tone_between_silences(0, kSecond, 0, 0.0005F)).empty());
  EXPECT_TRUE(without_silence(std::vector<float>(100, 0.5F)).empty());
  EXPECT_TRUE(without_silence(std::vector<float>(kSecond, std::numeric_limits<float>::quiet_NaN())).empty());
}

}  // namespace
}  // namespace parley
