#include "providers/silero/silero_vad.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "support/models.hpp"
#include "support/prompts.hpp"

namespace parley {
namespace {

AudioFrame frame_of(std::span<const float> samples) {
  AudioFrame frame{{}, kSpeechRate};
  for (const auto s : samples) frame.samples.push_back(static_cast<std::int16_t>(std::lround(std::clamp(s, -1.0F, 1.0F) * 32767.0F)));
  return frame;
}

TEST(SileroVadStream, RealSpeechBetweenSilence_BeginsAndEndsOnce_WithItsDurations) {
  const auto model = SileroModel::load(test::model_path("silero_vad.onnx"));
  ASSERT_TRUE(model) << model.error().message();
  const auto prompts = test::sentence_prompts(1);
  ASSERT_TRUE(prompts) << prompts.error().message();
  auto speech = test::decode_audio(prompts->front().path);
  ASSERT_TRUE(speech) << speech.error().message();
  std::vector<float> samples(kSpeechRate, 0.0F);
  samples.insert(samples.end(), speech->begin(), speech->end());
  samples.resize(samples.size() + 2 * kSpeechRate, 0.0F);

  SileroVad vad(*model);
  VadOptions options;
  options.min_silence = 1s;  // longer than a pause within the sentence
  auto stream = vad.stream(options);
  std::vector<VadEvent> turns;
  std::size_t inferences = 0;
  for (std::size_t at = 0; at + kSpeechFrameSamples <= samples.size(); at += kSpeechFrameSamples) {
    for (const auto& event : stream->push(frame_of(std::span(samples).subspan(at, kSpeechFrameSamples)))) {
      event.type == VadEvent::Type::inference ? void(++inferences) : turns.push_back(event);
    }
  }
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[0].type, VadEvent::Type::start_of_speech);
  EXPECT_GE(turns[0].probability, options.activation);
  EXPECT_EQ(turns[1].type, VadEvent::Type::end_of_speech);
  EXPECT_NEAR(to_seconds(turns[1].speech), to_seconds(duration_of(speech->size(), kSpeechRate)), 0.6);
  EXPECT_GE(turns[1].silence, 1s);
  EXPECT_LT(turns[1].silence, 1100ms);
  EXPECT_GT(inferences, 50u);
}

}  // namespace
}  // namespace parley
