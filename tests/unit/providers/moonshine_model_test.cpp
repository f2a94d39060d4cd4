#include "providers/moonshine/moonshine_model.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>

#include "providers/flite/flite_voice.hpp"
#include "providers/moonshine/utterance_audio.hpp"
#include "providers/silero/voice_activity_detector.hpp"
#include "support/models.hpp"
#include "support/prompts.hpp"
#include "support/word_error_rate.hpp"

namespace parley {
namespace {

constexpr std::size_t kSecond = 16000;

const MoonshineModel& recogniser() {
  static const auto loaded = MoonshineModel::load(test::model_path("moonshine-tiny-en"));
  if (!loaded) throw std::runtime_error(loaded.error().message());
  return *loaded;
}

std::string heard(std::span<const float> samples) {
  const auto text = recogniser().transcribe(samples);
  EXPECT_TRUE(text) << text.error().message();
  return text.value_or("");
}

std::vector<float> flite(std::string_view text) {
  const auto voice = FliteVoice::open("slt").value();
  std::vector<float> samples;
  EXPECT_TRUE(voice.synthesize(text, [&](std::span<const std::int16_t> piece) {
    for (const auto x : piece) samples.push_back(static_cast<float>(x) / 32768.0F);
    return true;
  }));
  return samples;
}

// What a session does with a caller's audio: the utterances that the VAD finds, with lead and tail.
std::vector<std::vector<float>> utterances(std::vector<float> audio) {
  static const auto model = SileroModel::load(test::model_path("silero_vad.onnx")).value();
  VoiceActivityDetector detector(model, {});
  audio.insert(audio.begin(), kSecond, 0.0F);
  audio.insert(audio.end(), 2 * kSecond, 0.0F);
  std::vector<std::vector<float>> found;
  std::uint64_t from = 0;
  detector.push(audio, [&](const VoiceActivity& frame) {
    if (!frame.event) return;
    if (frame.event->kind == SpeechEvent::Kind::started) {
      from = frame.event->at - 1600;
    } else {
      const auto to = frame.event->at + 3200;
      found.emplace_back(audio.begin() + static_cast<std::ptrdiff_t>(from),
                         audio.begin() + static_cast<std::ptrdiff_t>(to));
    }
  });
  return found;
}

TEST(MoonshineModel, ASynthesisedSentence_IsUnderstood) {
  const auto text = heard(flite("I would like to book a table for four people tomorrow at seven."));
  EXPECT_LE(test::word_errors("I would like to book a table for four people tomorrow at seven", text).rate(), 0.1)
      << text;
}

TEST(MoonshineModel, FortySentencesOfARealSpeaker_AreUnderstood) {
  test::WordErrors errors;
  double audio_seconds = 0;
  double busy_seconds = 0;
  for (const auto& prompt : test::sentence_prompts().value()) {
    std::string text;
    for (const auto& utterance : utterances(test::decode_audio(prompt.path).value())) {
      const auto begin = std::chrono::steady_clock::now();
      text += heard(utterance) + " ";
      busy_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      audio_seconds += static_cast<double>(utterance.size()) / kSecond;
    }
    const auto of_prompt = test::word_errors(prompt.text, text);
    if (of_prompt.total() > 0)
      fmt::print("{} of {}: said \"{}\", heard \"{}\"\n", of_prompt.total(), of_prompt.words, prompt.text, text);
    errors += of_prompt;
  }
  fmt::print("word error rate {:.1f} % of {} words; {:.1f} s of audio in {:.2f} s\n", 100 * errors.rate(), errors.words,
             audio_seconds, busy_seconds);
  EXPECT_GT(errors.words, 300U);
  EXPECT_LT(errors.rate(), 0.08);
}

TEST(MoonshineModel, LongSilenceAroundASentence_DoesNotHideIt) {
  auto samples = flite("Do you have a table tonight?");
  samples.insert(samples.begin(), 2 * kSecond, 0.0F);
  samples.insert(samples.end(), 3 * kSecond, 0.0F);
  const auto text = heard(samples);
  EXPECT_LE(test::word_errors("do you have a table tonight", text).rate(), 0.2) << text;
}

TEST(MoonshineModel, SilenceAndNothing_AreEmpty) {
  EXPECT_EQ(heard({}), "");
  EXPECT_EQ(heard(std::vector<float>(10)), "");
  EXPECT_EQ(heard(std::vector<float>(10 * kSecond)), "");
  std::vector<float> hiss(kSecond);
  std::mt19937 random(5);
  for (float& x : hiss) x = std::uniform_real_distribution<float>(-0.0005F, 0.0005F)(random);
  EXPECT_EQ(heard(hiss), "");
}

TEST(MoonshineModel, VeryShortSounds_AreNoError) {
  const auto samples = flite("Yes.");
  for (const std::size_t size : {160U, 400U, 800U, 1600U, 3200U}) {
    heard(std::span(samples).subspan(0, std::min<std::size_t>(size, samples.size())));
  }
}

TEST(MoonshineModel, AnUtteranceBeyondTheBound_IsRefused) {
  const auto text = recogniser().transcribe(std::vector<float>(31 * kSecond, 0.1F));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code(), Errc::invalid_argument);
  EXPECT_THAT(text.error().message(), testing::HasSubstr("the most is 30 s"));
}

TEST(MoonshineModel, SamplesThatAreNoNumbers_AreTakenAsSilence) {
  auto samples = flite("Good evening.");
  samples[100] = std::nanf("");
  samples[200] = 1e30F;
  const auto text = heard(samples);
  EXPECT_LE(test::word_errors("good evening", text).rate(), 0.5) << text;
}

class BrokenMoonshine : public testing::Test {
 protected:
  BrokenMoonshine() {
    std::filesystem::create_directories(directory_);
    for (const char* name : {"encoder_model.onnx", "decoder_model_merged.onnx", "tokens.txt"}) {
      std::filesystem::create_symlink(test::model_path("moonshine-tiny-en") + "/" + name, directory_ + "/" + name);
    }
  }
  ~BrokenMoonshine() override { std::filesystem::remove_all(directory_); }

  void replace(const std::string& name, const std::string& bytes) {
    std::filesystem::remove(directory_ + "/" + name);
    std::ofstream(directory_ + "/" + name, std::ios::binary) << bytes;
  }
  std::string bytes_of(const std::string& name) {
    std::ifstream file(test::model_path("moonshine-tiny-en") + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string error() {
    const auto model = MoonshineModel::load(directory_);
    return model ? "" : model.error().message();
  }

  std::string directory_ = testing::TempDir() + "broken_moonshine";
};

TEST_F(BrokenMoonshine, AllFilesInPlace_Loads) { EXPECT_EQ(error(), ""); }

TEST_F(BrokenMoonshine, EachMissingFile_IsNamed) {
  for (const char* name : {"encoder_model.onnx", "decoder_model_merged.onnx", "tokens.txt"}) {
    const auto path = directory_ + "/" + name;
    const auto target = std::filesystem::read_symlink(path);
    std::filesystem::remove(path);
    EXPECT_THAT(error(), testing::AllOf(testing::HasSubstr(name), testing::HasSubstr("make setup")));
    std::filesystem::create_symlink(target, path);
  }
}

TEST_F(BrokenMoonshine, ACutModel_IsRefused) {
  const auto whole = bytes_of("encoder_model.onnx");
  replace("encoder_model.onnx", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error(), testing::HasSubstr("encoder_model.onnx"));
}

TEST_F(BrokenMoonshine, AModelWithRuinedContents_IsRefusedAndTheProcessLives) {
  auto ruined = bytes_of("encoder_model.onnx");
  for (std::size_t at = 5000; at < 400'000; ++at) ruined[at] = static_cast<char>(at * 31);
  replace("encoder_model.onnx", ruined);
  EXPECT_THAT(error(), testing::AllOf(testing::HasSubstr("broken_moonshine"), testing::HasSubstr("make setup")));
}

TEST_F(BrokenMoonshine, EncoderAndDecoderExchanged_AreRefused) {
  replace("decoder_model_merged.onnx", bytes_of("encoder_model.onnx"));
  EXPECT_THAT(error(), testing::HasSubstr("another model than expected"));
}

TEST_F(BrokenMoonshine, PlainTokens_AreRefused) {
  replace("tokens.txt", "<unk> 0\n<s> 1\n</s> 2\n");
  EXPECT_THAT(error(), testing::AllOf(testing::HasSubstr("tokens.txt"), testing::HasSubstr("line 1")));
}

}  // namespace
}  // namespace parley
