#include "fakes/speech_sound.hpp"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

namespace parley::fakes {
namespace {

std::vector<std::int16_t> spoken(std::string_view text, std::uint64_t seed = 1) {
  static const auto syllables = std::make_shared<const Syllables>(24000);
  Talker talker(syllables, text, seed, 14);
  std::vector<std::int16_t> samples;
  while (talker.left() > 0) {
    const auto bytes = talker.next(2400);
    const auto before = samples.size();
    samples.resize(before + bytes.size() / sizeof(std::int16_t));
    std::memcpy(samples.data() + before, bytes.data(), bytes.size());
  }
  return samples;
}

double dbfs(std::span<const std::int16_t> samples) {
  double sum = 0;
  for (const auto sample : samples) sum += static_cast<double>(sample) * sample;
  return 10 * std::log10(std::max(sum / static_cast<double>(samples.size()), 1e-3)) - 20 * std::log10(32768.0);
}

TEST(FakeSpeech, IsAsLongAsItsText_AndLoud) {
  const std::string text = "The next train leaves at twelve minutes past four.";
  const auto samples = spoken(text);
  EXPECT_NEAR(static_cast<double>(samples.size()) / 24000, static_cast<double>(text.size()) / 14, 0.001);
  EXPECT_GT(dbfs(samples), -24);
}

TEST(FakeSpeech, BeginsWithASound_AndItsPausesAreShort) {
  const auto samples = spoken(std::string(400, 'x'));
  EXPECT_GT(dbfs(std::span(samples).first(480)), -45);
  int quiet = 0, longest = 0;
  for (std::size_t at = 0; at + 480 <= samples.size(); at += 480) {
    quiet = dbfs(std::span(samples).subspan(at, 480)) < -50 ? quiet + 1 : 0;
    longest = std::max(longest, quiet);
  }
  EXPECT_LE(longest * 20, 180) << "ms";
}

TEST(FakeSpeech, DiffersFromTextToText_AndIsAlwaysTheSameForTheSame) {
  EXPECT_EQ(spoken("Hello there."), spoken("Hello there."));
  EXPECT_NE(spoken("Hello there."), spoken("Hello where."));
  EXPECT_NE(spoken("Hello there.", 1), spoken("Hello there.", 2));
  EXPECT_TRUE(spoken("  ").empty());
}

}  // namespace
}  // namespace parley::fakes
