#include "providers/silero/speech_gate.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace parley {
namespace {

constexpr std::size_t kFrame = 512;
constexpr int kRate = 16000;

std::vector<SpeechEvent> events(SpeechGate& gate, const std::vector<float>& probabilities) {
  std::vector<SpeechEvent> all;
  for (const float p : probabilities) {
    if (const auto event = gate.push(p)) all.push_back(*event);
  }
  return all;
}

std::vector<float> frames(std::initializer_list<std::pair<int, float>> runs) {
  std::vector<float> all;
  for (const auto& [count, p] : runs) all.insert(all.end(), static_cast<std::size_t>(count), p);
  return all;
}

TEST(SpeechGate, SpeechLongEnough_StartsAtItsFirstSample) {
  SpeechGate gate({}, kFrame, kRate);
  const auto seen = events(gate, frames({{10, 0.1F}, {2, 0.9F}}));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].kind, SpeechEvent::Kind::started);
  EXPECT_EQ(seen[0].at, 10 * kFrame);
  EXPECT_EQ(seen[0].noticed, 12 * kFrame);
  EXPECT_FLOAT_EQ(seen[0].probability, 0.9F);
  EXPECT_TRUE(gate.speaking());
}

TEST(SpeechGate, AClick_StartsNothing) {
  SpeechGate gate({}, kFrame, kRate);
  EXPECT_TRUE(events(gate, frames({{5, 0.1F}, {1, 0.99F}, {5, 0.1F}, {1, 0.99F}, {5, 0.1F}})).empty());
}

TEST(SpeechGate, SilenceLongEnough_EndsAfterTheLastSampleOfSpeech) {
  SpeechGate gate({}, kFrame, kRate);
  // 550 ms are 8800 samples: 18 frames.
  const auto seen = events(gate, frames({{4, 0.9F}, {17, 0.1F}}));
  ASSERT_EQ(seen.size(), 1U);
  const auto end = gate.push(0.1F);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, SpeechEvent::Kind::ended);
  EXPECT_EQ(end->at, 4 * kFrame);
  EXPECT_EQ(end->noticed, 22 * kFrame);
  EXPECT_FALSE(gate.speaking());
}

TEST(SpeechGate, APauseWithinSpeech_DoesNotEndIt) {
  SpeechGate gate({}, kFrame, kRate);
  const auto seen = events(gate, frames({{4, 0.9F}, {17, 0.1F}, {1, 0.9F}, {17, 0.1F}}));
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_TRUE(gate.speaking());
}

TEST(SpeechGate, BetweenTheThresholds_SpeechGoesOnButDoesNotBegin) {
  SpeechGate gate({}, kFrame, kRate);
  EXPECT_TRUE(events(gate, frames({{50, 0.4F}})).empty());
  EXPECT_EQ(events(gate, frames({{2, 0.6F}, {50, 0.4F}})).size(), 1U);
  EXPECT_TRUE(gate.speaking());
  EXPECT_EQ(events(gate, frames({{50, 0.3F}})).size(), 1U);
  EXPECT_FALSE(gate.speaking());
}

TEST(SpeechGate, DurationsOfZero_AnswerInTheSameFrame) {
  SpeechGate gate({.min_speech = 0ms, .min_silence = 0ms}, kFrame, kRate);
  const auto seen = events(gate, {0.9F, 0.1F});
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].at, 0U);
  EXPECT_EQ(seen[0].noticed, kFrame);
  EXPECT_EQ(seen[1].at, kFrame);
}

TEST(SpeechGate, Finish_EndsSpeechThatGoesOn) {
  SpeechGate gate({}, kFrame, kRate);
  events(gate, frames({{4, 0.9F}, {3, 0.1F}}));
  const auto end = gate.finish();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->at, 4 * kFrame);
  EXPECT_FALSE(gate.finish());
}

}  // namespace
}  // namespace parley
