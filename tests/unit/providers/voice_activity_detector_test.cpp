#include "providers/silero/voice_activity_detector.hpp"

#include <gmock/gmock.h>

#include <random>

#include "support/models.hpp"
#include "support/prompts.hpp"

namespace parley {
namespace {

constexpr std::size_t kSecond = 16000;

std::shared_ptr<const SileroModel> model() {
  static const auto loaded = SileroModel::load(test::model_path("silero_vad.onnx"));
  return loaded.value();
}

// Silence, a prompt of about two seconds, silence.
std::vector<float> call() {
  auto samples = test::decode_audio(test::prompt("check-number-dial-again").value().path).value();
  samples.insert(samples.begin(), kSecond, 0.0F);
  samples.insert(samples.end(), kSecond, 0.0F);
  return samples;
}

std::vector<SpeechEvent> events(VoiceActivityDetector& detector, std::span<const float> samples, std::size_t chunk) {
  std::vector<SpeechEvent> all;
  for (std::size_t at = 0; at < samples.size(); at += chunk) {
    detector.push(samples.subspan(at, std::min(chunk, samples.size() - at)), [&](const VoiceActivity& frame) {
      if (frame.event) all.push_back(*frame.event);
    });
  }
  return all;
}

TEST(VoiceActivityDetector, OneSentenceInSilence_IsOneStretchOfSpeech) {
  VoiceActivityDetector detector(model(), {});
  const auto audio = call();
  const auto seen = events(detector, audio, 320);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].kind, SpeechEvent::Kind::started);
  EXPECT_GE(seen[0].at, kSecond - 512);
  EXPECT_LT(seen[0].at, kSecond + 8000);
  EXPECT_EQ(seen[1].kind, SpeechEvent::Kind::ended);
  EXPECT_LE(seen[1].at, audio.size() - kSecond + 1024);
  EXPECT_GT(seen[1].at - seen[0].at, kSecond);
}

TEST(VoiceActivityDetector, HoweverTheAudioIsCut_TheEventsAreTheSame) {
  VoiceActivityDetector whole(model(), {});
  const auto expected = events(whole, call(), call().size());
  for (const std::size_t chunk : {1U, 160U, 320U, 512U, 513U, 4000U}) {
    VoiceActivityDetector detector(model(), {});
    const auto seen = events(detector, call(), chunk);
    ASSERT_EQ(seen.size(), expected.size()) << chunk;
    for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].at, expected[i].at) << chunk;
  }
}

TEST(VoiceActivityDetector, AtABeginning_TheAudioBeforeItIsStillThere) {
  VoiceActivityDetector detector(model(), {.prefix_padding = 300ms});
  const auto audio = call();
  bool checked = false;
  detector.push(audio, [&](const VoiceActivity& frame) {
    if (!frame.event || frame.event->kind != SpeechEvent::Kind::started) return;
    const auto from = detector.with_prefix(frame.event->at);
    EXPECT_EQ(from, frame.event->at - 4800);
    const auto kept = detector.audio_since(from);
    const std::vector<float> expected(audio.begin() + static_cast<std::ptrdiff_t>(from),
                                      audio.begin() + static_cast<std::ptrdiff_t>(frame.position));
    EXPECT_EQ(kept, expected);
    checked = true;
  });
  EXPECT_TRUE(checked);
}

TEST(VoiceActivityDetector, AudioThatIsTooOld_IsNotInvented) {
  VoiceActivityDetector detector(model(), {.prefix_padding = 100ms});
  detector.push(std::vector<float>(kSecond * 2), [](const VoiceActivity&) {});
  EXPECT_LT(detector.audio_since(0).size(), kSecond / 2);
  EXPECT_TRUE(detector.audio_since(detector.position()).empty());
  EXPECT_EQ(detector.with_prefix(100), 0U);
}

TEST(VoiceActivityDetector, Finish_EndsSpeechAndForgetsTheRest) {
  VoiceActivityDetector detector(model(), {});
  auto audio = call();
  audio.resize(2 * kSecond);
  events(detector, audio, 100);
  ASSERT_TRUE(detector.speaking());
  const auto end = detector.finish();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->kind, SpeechEvent::Kind::ended);
  EXPECT_FALSE(detector.speaking());
}

TEST(VoiceActivityDetector, FortySentences_EachHaveSpeech) {
  for (const auto& prompt : test::sentence_prompts().value()) {
    VoiceActivityDetector detector(model(), {});
    auto audio = test::decode_audio(prompt.path).value();
    audio.insert(audio.end(), kSecond, 0.0F);
    const auto seen = events(detector, audio, 320);
    ASSERT_GE(seen.size(), 2U) << prompt.name;
    EXPECT_EQ(seen.back().kind, SpeechEvent::Kind::ended) << prompt.name;
  }
}

TEST(VoiceActivityDetector, HoldMusic_IsHardlyEverSpeech) {
  std::size_t frames = 0;
  std::size_t speech = 0;
  for (const auto& file : test::hold_music().value()) {
    VoiceActivityDetector detector(model(), {});
    auto audio = test::decode_audio(file).value();
    audio.resize(std::min(audio.size(), 30 * kSecond));
    detector.push(audio, [&](const VoiceActivity& frame) {
      ++frames;
      speech += frame.speaking ? 1U : 0U;
    });
  }
  ASSERT_GT(frames, 1000U);
  EXPECT_LT(static_cast<double>(speech) / static_cast<double>(frames), 0.03) << speech << " of " << frames;
  RecordProperty("speech_frames", static_cast<int>(speech));
}

}  // namespace
}  // namespace parley
