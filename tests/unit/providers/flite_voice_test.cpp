#include "providers/flite/flite_voice.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <thread>

namespace parley {
namespace {

constexpr const char* kSentence = "I would like to book a table for four people tomorrow at seven.";

std::vector<std::int16_t> spoken(const FliteVoice& voice, std::string_view text,
                                 FliteVoice::Lead lead = FliteVoice::Lead::trimmed) {
  std::vector<std::int16_t> samples;
  const auto result = voice.synthesize(
      text,
      [&](std::span<const std::int16_t> piece) {
        samples.insert(samples.end(), piece.begin(), piece.end());
        return true;
      },
      lead);
  EXPECT_TRUE(result);
  EXPECT_TRUE(result->finished);
  EXPECT_EQ(result->samples, samples.size());
  return samples;
}

double seconds(std::size_t samples) { return static_cast<double>(samples) / FliteVoice::kSampleRate; }

std::size_t first_loud(const std::vector<std::int16_t>& samples) {
  const auto loud = std::ranges::find_if(samples, [](std::int16_t x) { return std::abs(int{x}) > 500; });
  return static_cast<std::size_t>(loud - samples.begin());
}

TEST(FliteVoice, EveryVoice_SpeaksTheSentenceInAboutItsLength) {
  for (const auto& name : FliteVoice::names()) {
    const auto voice = FliteVoice::open(name);
    ASSERT_TRUE(voice) << voice.error().message();
    const auto samples = spoken(*voice, kSentence);
    EXPECT_GT(seconds(samples.size()), 2.5) << name;
    EXPECT_LT(seconds(samples.size()), 5.0) << name;
    const auto [least, most] = std::ranges::minmax_element(samples);
    EXPECT_GT(*most - *least, 8000) << name;
  }
}

TEST(FliteVoice, UnknownVoice_SaysWhichThereAre) {
  const auto voice = FliteVoice::open("darth");
  ASSERT_FALSE(voice);
  EXPECT_EQ(voice.error().message(), "flite has no voice \"darth\"; use one of slt, rms, kal16 for tts.voice");
}

TEST(FliteVoice, Pieces_AreShort) {
  const auto voice = FliteVoice::open("slt");
  std::size_t most = 0;
  std::size_t pieces = 0;
  ASSERT_TRUE(voice->synthesize(kSentence, [&](std::span<const std::int16_t> piece) {
    if (pieces++ > 0) most = std::max(most, piece.size());
    return true;
  }));
  EXPECT_GT(pieces, 50U);
  EXPECT_LE(most, 800U);
}

TEST(FliteVoice, TheSinkSaysStop_NoFurtherPieceComes) {
  const std::string text =
      std::string(kSentence) + " " + kSentence + " " + kSentence + " " + kSentence + " " + kSentence;
  for (const auto& name : FliteVoice::names()) {
    const auto voice = FliteVoice::open(name);
    int pieces = 0;
    const auto result = voice->synthesize(text, [&](std::span<const std::int16_t>) { return ++pieces < 3; });
    ASSERT_TRUE(result);
    EXPECT_FALSE(result->finished) << name;
    EXPECT_EQ(pieces, 3) << name;
    EXPECT_LT(result->samples, 10000U) << name;
  }
}

TEST(FliteVoice, TrimmedLead_SpeaksAtOnce) {
  for (const auto& name : FliteVoice::names()) {
    const auto voice = FliteVoice::open(name);
    EXPECT_LT(seconds(first_loud(spoken(*voice, "Is that all?"))), 0.05) << name;
    EXPECT_GT(seconds(first_loud(spoken(*voice, "Is that all?", FliteVoice::Lead::natural))), 0.15) << name;
  }
}

TEST(FliteVoice, NothingToSay_IsFinishedWithoutSamples) {
  const auto voice = FliteVoice::open("slt");
  for (const char* text : {"", "   ", "...", "👍", "\xff"}) EXPECT_TRUE(spoken(*voice, text).empty()) << text;
}

TEST(FliteVoice, TooLongAText_IsRefused) {
  const auto voice = FliteVoice::open("kal16");
  const auto result = voice->synthesize(std::string(FliteVoice::kMaxTextBytes + 1, 'a'), [](auto) { return true; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::invalid_argument);
}

TEST(FliteVoice, AnyBytes_AreSpokenOrSkipped) {
  const auto voice = FliteVoice::open("kal16");
  std::mt19937 random(3);
  const std::string_view signs = "aeiou rst 0123456789 .,:;!?'\"-%$&@+/() \xc3\xa9\xe2\x82\xac";
  for (int round = 0; round < 100; ++round) {
    std::string text(1 + random() % 120, ' ');
    for (char& c : text) c = random() % 4 == 0 ? static_cast<char>(random()) : signs[random() % signs.size()];
    ASSERT_TRUE(voice->synthesize(text, [](auto) { return true; })) << testing::PrintToString(text);
  }
  for (const std::string& text :
       {std::string(2000, '9'), std::string(2000, 'z'), std::string(1000, '$') + "1", "1" + std::string(1000, ','),
        std::string("$1,000,000,000,000,000.99 99:99:99 12/34/56 1-800-555-0100 XIV MMXXVI 1st 2nd 1000000th")}) {
    ASSERT_TRUE(voice->synthesize(text, [](auto) { return true; }));
  }
}

TEST(FliteVoice, TheSameTextByTheRobot_IsTheSameSamples) {
  const auto voice = FliteVoice::open("kal16");
  EXPECT_EQ(spoken(*voice, kSentence), spoken(*voice, kSentence));
}

TEST(FliteVoice, TwoThreadsWithOneVoice_BothSpeakWhole) {
  const auto voice = FliteVoice::open("slt");
  const auto alone = spoken(*voice, kSentence).size();
  std::array<std::size_t, 2> lengths{};
  {
    std::vector<std::jthread> threads;
    for (auto& length : lengths) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5; ++i) length = spoken(*voice, kSentence).size();
      });
    }
  }
  for (const auto length : lengths) EXPECT_NEAR(seconds(length), seconds(alone), 0.1);
}

}  // namespace
}  // namespace parley
