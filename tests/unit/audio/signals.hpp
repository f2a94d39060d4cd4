// Sounds for tests, and how alike two of them are.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <parley/audio/frame.hpp>
#include <parley/base/random.hpp>
#include <vector>

#include "audio/samples.hpp"

namespace parley::testing {

inline std::vector<std::int16_t> tone(double hz, std::size_t count, int rate = kTransportRate, double amplitude = 10000,
                                      std::size_t from = 0) {
  std::vector<std::int16_t> samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double t = static_cast<double>(from + i) / rate;
    samples[i] = static_cast<std::int16_t>(std::lround(amplitude * std::sin(2 * std::numbers::pi * hz * t)));
  }
  return samples;
}

// A voice of sorts: harmonics of a wandering pitch, loud and soft in syllables of a fifth of a second.
inline std::vector<std::int16_t> voice(std::size_t count, std::uint64_t seed = 1) {
  Random random(seed);
  std::vector<std::int16_t> samples(count);
  double phase = 0;
  double pitch = 120;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 4800 == 0) pitch = 100 + 80 * random.unit();
    phase += 2 * std::numbers::pi * pitch / kTransportRate;
    const double syllable = 0.55 - 0.45 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / 9600);
    double value = 0;
    for (int h = 1; h <= 20; ++h) value += std::sin(phase * h) / h * (h % 5 == 3 ? 2.0 : 1.0);
    samples[i] = static_cast<std::int16_t>(std::lround(3500 * syllable * value));
  }
  return samples;
}

inline double rms(Samples samples) {
  double energy = 0;
  for (const auto sample : samples) energy += static_cast<double>(sample) * sample;
  return samples.empty() ? 0 : std::sqrt(energy / static_cast<double>(samples.size()));
}

// Largest step from one sample to the next: a click shows here.
inline int largest_step(Samples samples) {
  int largest = 0;
  for (std::size_t i = 1; i < samples.size(); ++i) largest = std::max(largest, std::abs(samples[i] - samples[i - 1]));
  return largest;
}

// Amplitude of one frequency within the samples.
inline double amplitude_of(double hz, Samples samples, int rate) {
  double re = 0;
  double im = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate;
    re += samples[i] * std::cos(angle);
    im += samples[i] * std::sin(angle);
  }
  return 2 * std::hypot(re, im) / static_cast<double>(samples.size());
}

inline AudioFrame frame_of(Samples samples, std::size_t index) {
  const auto part = samples.subspan(index * kTransportFrameSamples, kTransportFrameSamples);
  return {{part.begin(), part.end()}, kTransportRate};
}

inline TimePoint at_ms(double ms) { return TimePoint(Duration(static_cast<std::int64_t>(ms * 1e6))); }

}  // namespace parley::testing
