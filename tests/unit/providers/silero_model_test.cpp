#include "providers/silero/silero_model.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "support/models.hpp"
#include "support/prompts.hpp"

namespace parley {
namespace {

std::shared_ptr<const SileroModel> model() {
  static const auto loaded = SileroModel::load(test::model_path("silero_vad.onnx"));
  if (!loaded) throw std::runtime_error(loaded.error().message());
  return *loaded;
}

std::vector<float> speech() {
  static const auto samples = test::decode_audio(test::prompt("basic-pbx-ivr-main").value().path);
  return samples.value();
}

std::vector<float> reference() {
  std::ifstream file(PARLEY_TEST_DATA "/silero_reference.txt");
  std::string comment;
  std::getline(file, comment);
  std::vector<float> values;
  for (float value; file >> value;) values.push_back(value);
  return values;
}

std::vector<float> probabilities(SileroState& state, std::span<const float> samples) {
  std::vector<float> all;
  for (; samples.size() >= SileroModel::kFrame; samples = samples.subspan(SileroModel::kFrame)) {
    all.push_back(state.process(samples.first<SileroModel::kFrame>()));
  }
  return all;
}

std::vector<float> noise(std::size_t count, float amplitude) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-amplitude, amplitude);
  std::vector<float> samples(count);
  for (float& x : samples) x = uniform(random);
  return samples;
}

TEST(SileroModel, RealSpeech_AgreesWithOnnxRuntimeInEveryFrame) {
  const auto expected = reference();
  ASSERT_GT(expected.size(), 500U);
  SileroState state(model());
  const auto computed = probabilities(state, speech());
  ASSERT_EQ(computed.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(computed[i], expected[i], 1e-4) << "frame " << i;
}

TEST(SileroModel, FastestAndBaselineArithmetic_Agree) {
  const auto samples = speech();
  std::array<std::vector<float>, 2> memories = {std::vector<float>(256), std::vector<float>(256)};
  constexpr std::size_t kInput = silero::kContext + silero::kFrame + silero::kMirror;
  for (std::size_t at = 0; at + kInput <= 64 * silero::kFrame; at += silero::kFrame) {
    const float fast =
        silero::fastest_step()(model()->weights(), &samples[at], memories[0].data(), memories[0].data() + 128);
    const float plain =
        silero::baseline_step()(model()->weights(), &samples[at], memories[1].data(), memories[1].data() + 128);
    ASSERT_NEAR(fast, plain, 1e-4);
  }
}

TEST(SileroModel, SilenceAndNoise_AreNoSpeech) {
  SileroState quiet(model());
  for (const float p : probabilities(quiet, std::vector<float>(16000))) EXPECT_LT(p, 0.1F);
  SileroState loud(model());
  for (const float p : probabilities(loud, noise(32000, 0.3F))) EXPECT_LT(p, 0.3F);
}

TEST(SileroModel, TwoStreamsOfOneModel_DoNotDisturbEachOther) {
  const auto samples = speech();
  SileroState alone(model());
  const auto expected = probabilities(alone, samples);
  SileroState one(model());
  SileroState other(model());
  const auto disturbance = noise(SileroModel::kFrame, 0.5F);
  for (std::size_t i = 0; i < 100; ++i) {
    const auto frame = std::span(samples).subspan(i * SileroModel::kFrame).first<SileroModel::kFrame>();
    other.process(std::span(disturbance).first<SileroModel::kFrame>());
    ASSERT_EQ(one.process(frame), expected[i]);
  }
}

TEST(SileroModel, Reset_ForgetsTheStream) {
  SileroState state(model());
  const auto first = probabilities(state, speech());
  state.reset();
  EXPECT_EQ(probabilities(state, speech()), first);
}

TEST(SileroModel, SamplesThatAreNoNumbers_DoNotPoisonTheStream) {
  SileroState state(model());
  std::vector<float> broken(SileroModel::kFrame, std::numeric_limits<float>::quiet_NaN());
  broken[7] = std::numeric_limits<float>::infinity();
  broken[8] = 1e30F;
  probabilities(state, broken);
  const auto after = probabilities(state, speech());
  for (const float p : after) ASSERT_TRUE(p >= 0 && p <= 1);
  EXPECT_GT(*std::ranges::max_element(after), 0.9F);
}

TEST(SileroModel, ForkedChild_ComputesTheSameWithoutAThread) {
  const auto samples = speech();
  SileroState state(model());
  const auto before = probabilities(state, std::span(samples).first(16000));
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    SileroState inherited(model());
    const bool same = probabilities(inherited, std::span(samples).first(16000)) == before;
    const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
    _exit(same && std::distance(begin(tasks), end(tasks)) == 1 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(SileroModel, MissingFile_SaysWhichAndWhatToDo) {
  const auto missing = SileroModel::load("/nowhere/silero_vad.onnx");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(),
              testing::AllOf(testing::HasSubstr("/nowhere/silero_vad.onnx"), testing::HasSubstr("make setup")));
}

TEST(SileroModel, CutFile_IsRefused) {
  const std::string path = testing::TempDir() + "cut_silero.onnx";
  std::ifstream whole(test::model_path("silero_vad.onnx"), std::ios::binary);
  std::string bytes(2'000'000, '\0');
  whole.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1000}, std::size_t{1'234'567}, bytes.size()}) {
    std::ofstream(path, std::ios::binary) << bytes.substr(0, size);
    EXPECT_FALSE(SileroModel::load(path)) << size;
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace parley
