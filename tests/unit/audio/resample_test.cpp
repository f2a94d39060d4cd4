#include "audio/resample.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "signals.hpp"

namespace parley {
namespace {

struct Rates {
  int from;
  int to;
};

class ResamplePairs : public ::testing::TestWithParam<Rates> {};

INSTANTIATE_TEST_SUITE_P(All, ResamplePairs,
                         ::testing::Values(Rates{48000, 16000}, Rates{16000, 48000}, Rates{24000, 48000},
                                           Rates{22050, 48000}, Rates{8000, 48000}, Rates{44100, 48000}),
                         [](const auto& info) {
                           return std::to_string(info.param.from) + "To" + std::to_string(info.param.to);
                         });

// Feeds `in` 20 ms at a time.
std::vector<std::int16_t> stream(Resampler& resampler, const std::vector<std::int16_t>& in) {
  std::vector<std::int16_t> out;
  const auto step = static_cast<std::size_t>(resampler.from_rate() / 50);
  for (std::size_t at = 0; at < in.size(); at += step) {
    resampler.process(Samples(in).subspan(at, std::min(step, in.size() - at)), out);
  }
  resampler.flush(out);
  return out;
}

TEST_P(ResamplePairs, Tone_KeepsPitchLevelLengthAndPlace) {
  const auto [from, to] = GetParam();
  auto resampler = Resampler::create(from, to).value();
  const auto in = testing::tone(1000, static_cast<std::size_t>(from), from);
  const auto out = stream(resampler, in);
  EXPECT_NEAR(static_cast<double>(out.size()), to, 1);

  // Away from the edges each sample is where the tone would be at the new rate.
  const auto ideal = testing::tone(1000, static_cast<std::size_t>(to), to);
  double worst = 0;
  for (std::size_t i = out.size() / 10; i < out.size() * 9 / 10; ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(out[i]) - ideal[i]));
  }
  EXPECT_LT(worst, 25) << "of an amplitude of 10000";
}

TEST_P(ResamplePairs, WhatComesOut_RunsBehindByAtMostWhatTheHeaderSays) {
  const auto [from, to] = GetParam();
  auto resampler = Resampler::create(from, to).value();
  const auto in = testing::voice(static_cast<std::size_t>(from));
  const auto step = static_cast<std::size_t>(from / 50);
  std::vector<std::int16_t> out;
  Duration worst{};
  for (std::size_t at = 0; at < in.size(); at += step) {
    resampler.process(Samples(in).subspan(at, step), out);
    worst = std::max(worst, resampler.pending());
  }
  EXPECT_LE(worst, from == 8000 ? 28ms : 11ms) << to_ms(worst);
}

TEST_P(ResamplePairs, Silence_StaysDigitalSilence) {
  const auto [from, to] = GetParam();
  const auto out = resample(std::vector<std::int16_t>(static_cast<std::size_t>(from)), from, to).value();
  EXPECT_TRUE(std::ranges::all_of(out, [](auto s) { return s == 0; }));
}

TEST_P(ResamplePairs, PieceByPieceOrAtOnce_GivesTheSame) {
  const auto [from, to] = GetParam();
  const auto in = testing::voice(static_cast<std::size_t>(from) / 2);
  auto resampler = Resampler::create(from, to).value();
  EXPECT_EQ(stream(resampler, in), resample(in, from, to).value());
}

TEST_P(ResamplePairs, AfterFlushOrReset_TheNextStreamKnowsNothingOfTheLast) {
  const auto [from, to] = GetParam();
  const auto in = testing::voice(static_cast<std::size_t>(from) / 4);
  auto resampler = Resampler::create(from, to).value();
  const auto first = stream(resampler, in);
  EXPECT_EQ(stream(resampler, in), first);
  std::vector<std::int16_t> dropped;
  resampler.process(testing::tone(300, 1000, from), dropped);
  resampler.reset();
  EXPECT_EQ(resampler.pending(), 0ms);
  EXPECT_EQ(stream(resampler, in), first);
}

TEST(Resample, ToTelephoneBand_RemovesWhatWouldAlias) {
  const auto high = testing::tone(11000, 48000, 48000);  // would fold to 5 kHz
  const auto out = resample(high, 48000, 16000).value();
  EXPECT_LT(testing::amplitude_of(5000, Samples(out).subspan(1000, 14000), 16000), 5.0) << "of 10000";
}

TEST(Resample, SpeechBand_IsKeptFlat) {
  for (const double hz : {100.0, 1000.0, 3400.0, 6500.0}) {
    const auto out = resample(testing::tone(hz, 48000, 48000), 48000, 16000).value();
    EXPECT_NEAR(testing::amplitude_of(hz, Samples(out).subspan(1600, 12800), 16000), 10000, 150) << hz;
  }
}

TEST(Resample, EqualRates_PassUnchangedAndAtOnce) {
  auto resampler = Resampler::create(48000, 48000).value();
  const auto in = testing::voice(960);
  std::vector<std::int16_t> out;
  resampler.process(in, out);
  EXPECT_EQ(out, in);
  EXPECT_EQ(resampler.pending(), 0ms);
}

TEST(Resample, FullScaleSquareWave_SaturatesInsteadOfWrapping) {
  std::vector<std::int16_t> square(4800);
  for (std::size_t i = 0; i < square.size(); ++i) square[i] = i % 480 < 240 ? 32767 : -32768;
  const auto out = resample(square, 48000, 16000).value();
  // In the middle of each half wave the sign is that of the input.
  for (std::size_t i = 200; i + 200 < out.size(); i += 160) {
    EXPECT_GT(out[i / 160 * 160 + 40], 20000);
    EXPECT_LT(out[i / 160 * 160 + 120], -20000);
  }
}

TEST(Resample, RatesOutOfRange_AreRefused) {
  for (const auto& [from, to] : {Rates{0, 48000}, Rates{48000, 0}, Rates{-1, 1}, Rates{192000, 48000}}) {
    EXPECT_EQ(Resampler::create(from, to).error().code(), Errc::invalid_argument);
  }
}

TEST(Resample, NothingIn_NothingOut) {
  auto resampler = Resampler::create(48000, 16000).value();
  std::vector<std::int16_t> out;
  resampler.process({}, out);
  resampler.flush(out);
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace parley
