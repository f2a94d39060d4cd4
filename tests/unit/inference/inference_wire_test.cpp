#include <cmath>
#include <limits>

#include <unistd.h>

#include <gtest/gtest.h>

#include <parley/base/random.hpp>

#include "ipc/inference_wire.hpp"

namespace parley::ipc {
namespace {

TEST(InferenceWire, Messages_ComeBackAsTheyWereSent) {
  const auto request =
      parse_to_inference(serialize(ToInference(RecognizeRequest{.id = 7, .samples = 16'000, .patience = 2500ms})));
  ASSERT_TRUE(request);
  EXPECT_EQ(std::get<RecognizeRequest>(*request).id, 7u);
  EXPECT_EQ(std::get<RecognizeRequest>(*request).samples, 16'000u);
  EXPECT_EQ(std::get<RecognizeRequest>(*request).patience, 2500ms);
  const auto cancel = parse_to_inference(serialize(ToInference(CancelRequest{.id = 8})));
  EXPECT_EQ(std::get<CancelRequest>(*cancel).id, 8u);
  const auto answer = parse_inference_answer(serialize(InferenceAnswer{.id = 7, .text = "hello"}));
  EXPECT_EQ(answer->id, 7u);
  EXPECT_EQ(*answer->text, "hello");
  const auto refused =
      parse_inference_answer(serialize(InferenceAnswer{.id = 7, .text = fail(Errc::overloaded, "too much")}));
  EXPECT_EQ(refused->text.error().code(), Errc::overloaded);
  EXPECT_EQ(refused->text.error().message(), "too much");
}

TEST(InferenceWire, ImpossibleRequests_AreRefused) {
  EXPECT_FALSE(parse_to_inference(serialize(ToInference(RecognizeRequest{.id = 1, .samples = 0}))));
  EXPECT_FALSE(
      parse_to_inference(serialize(ToInference(RecognizeRequest{.id = 1, .samples = kMaxInferenceSamples + 1}))));
  EXPECT_FALSE(parse_to_inference(""));
  EXPECT_FALSE(parse_to_inference(std::string(100'000, 'x')));
}

TEST(InferenceWire, EndlessPatience_IsBounded) {
  const auto request =
      parse_to_inference(serialize(ToInference(RecognizeRequest{.id = 1, .samples = 1, .patience = Duration::max()})));
  EXPECT_EQ(std::get<RecognizeRequest>(*request).patience, kMaxInferencePatience);
}

TEST(InferenceWire, TextBeyondTheBound_IsAnErrorThatSaysSo) {
  const auto answer =
      parse_inference_answer(serialize(InferenceAnswer{.id = 1, .text = std::string(kMaxInferenceText + 1, 'x')}));
  ASSERT_FALSE(answer->text);
  EXPECT_EQ(answer->text.error().code(), Errc::internal);
}

TEST(InferenceWire, RandomBytes_AreAnErrorOrWithinTheBounds) {
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (auto n = random.below(24); n > 0; --n) bytes += static_cast<char>(random());
    if (const auto request = parse_to_inference(bytes)) {
      if (const auto* r = std::get_if<RecognizeRequest>(&*request)) EXPECT_LE(r->samples, kMaxInferenceSamples);
    }
    if (const auto answer = parse_inference_answer(bytes); answer && answer->text)
      EXPECT_LE(answer->text->size(), kMaxInferenceText);
  }
}

TEST(InferenceAudio, SamplesComeBack_AsTheyWereHeard) {
  std::vector<float> samples;
  for (int i = 0; i < 16'000; ++i) samples.push_back(std::sin(static_cast<float>(i) * 0.05F));
  const auto audio = make_inference_audio(samples);
  ASSERT_TRUE(audio);
  const auto back = read_inference_audio(audio->get(), samples.size());
  ASSERT_TRUE(back);
  for (std::size_t i = 0; i < samples.size(); ++i) ASSERT_NEAR((*back)[i], samples[i], 1.0 / 32767);
}

TEST(InferenceAudio, LoudAndBrokenSamples_StayWithinFullScale) {
  constexpr auto kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> samples{5.0F, -5.0F, std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity};
  const auto audio = make_inference_audio(samples);
  EXPECT_EQ(*read_inference_audio(audio->get(), 5), (std::vector<float>{1.0F, -1.0F, 0.0F, 0.0F, 0.0F}));
}

TEST(InferenceAudio, NoneAndTooMuch_AreRefused) {
  EXPECT_EQ(make_inference_audio({}).error().code(), Errc::invalid_argument);
  EXPECT_EQ(make_inference_audio(std::vector<float>(kMaxInferenceSamples + 1)).error().code(), Errc::invalid_argument);
  EXPECT_TRUE(make_inference_audio(std::vector<float>(kMaxInferenceSamples)));
}

TEST(InferenceAudio, FileThatWasShrunk_OrIsNone_IsAnError_NotASignal) {
  const auto audio = make_inference_audio(std::vector<float>(1000, 0.5F));
  ASSERT_EQ(::ftruncate(audio->get(), 10), 0);
  EXPECT_EQ(read_inference_audio(audio->get(), 1000).error().code(), Errc::protocol);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  EXPECT_EQ(read_inference_audio(ends[0], 1000).error().code(), Errc::protocol);
  EXPECT_EQ(read_inference_audio(-1, 1000).error().code(), Errc::protocol);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace parley::ipc
