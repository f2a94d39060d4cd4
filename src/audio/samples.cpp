#include "audio/samples.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace parley {
namespace {

constexpr float kFullScale = 32768.0F;

std::int16_t saturate(float scaled) noexcept {
  return static_cast<std::int16_t>(std::lrintf(std::clamp(scaled, -32768.0F, 32767.0F)));
}

}  // namespace

void to_float(Samples in, std::span<float> out) noexcept {
  assert(in.size() == out.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<float>(in[i]) / kFullScale;
}

std::int16_t to_s16(float sample) noexcept {
  if (std::isnan(sample)) return 0;
  return saturate(sample * kFullScale);
}

void to_s16(std::span<const float> in, MutableSamples out) noexcept {
  assert(in.size() == out.size());
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = to_s16(in[i]);
}

float gain_from_db(float db) noexcept { return std::pow(10.0F, db / 20.0F); }

void apply_gain(MutableSamples samples, float gain) noexcept {
  for (auto& sample : samples) sample = saturate(static_cast<float>(sample) * gain);
}

void apply_ramp(MutableSamples samples, float from, float to) noexcept {
  if (samples.empty()) return;
  const float step = (to - from) / static_cast<float>(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = saturate(static_cast<float>(samples[i]) * (from + step * static_cast<float>(i)));
  }
}

void mix_into(MutableSamples out, Samples in, float gain) noexcept {
  assert(in.size() == out.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    out[i] = saturate(static_cast<float>(out[i]) + static_cast<float>(in[i]) * gain);
  }
}

float level_dbov(Samples samples) noexcept {
  std::int64_t energy = 0;
  for (const auto sample : samples) energy += static_cast<std::int64_t>(sample) * sample;
  if (energy == 0) return kSilenceDbov;
  const double mean = static_cast<double>(energy) / static_cast<double>(samples.size());
  const double db = 10.0 * std::log10(mean / (static_cast<double>(kFullScale) * kFullScale));
  return static_cast<float>(std::clamp(db, static_cast<double>(kSilenceDbov), 0.0));
}

std::uint8_t audio_level(Samples samples) noexcept {
  return static_cast<std::uint8_t>(std::lrintf(-level_dbov(samples)));
}

}  // namespace parley
