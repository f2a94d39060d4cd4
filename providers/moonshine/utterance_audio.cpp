#include "providers/moonshine/utterance_audio.hpp"

#include <algorithm>
#include <cmath>

namespace parley {
namespace {

constexpr double kSampleRate = 16000;
constexpr std::size_t kWindow = 160;  // samples: 10 ms
constexpr float kSilence = 0.001F;    // effective value: -60 dB of full scale
constexpr float kOfLoudest = 0.01F;   // and -40 dB of the loudest window

float loudness(std::span<const float> samples) {
  float sum = 0;
  for (const float x : samples) sum += std::isfinite(x) ? x * x : 0.0F;
  return std::sqrt(sum / static_cast<float>(samples.size()));
}

std::size_t in_samples(Duration duration) { return static_cast<std::size_t>(to_seconds(duration) * kSampleRate); }

}  // namespace

std::span<const float> without_silence(std::span<const float> samples) {
  const std::size_t windows = samples.size() / kWindow;
  const auto window = [&](std::size_t i) { return loudness(samples.subspan(i * kWindow, kWindow)); };
  float loudest = 0;
  for (std::size_t i = 0; i < windows; ++i) loudest = std::max(loudest, window(i));
  const float threshold = std::max(kSilence, loudest * kOfLoudest);
  if (loudest < threshold) return {};

  std::size_t first = 0;
  while (window(first) < threshold) ++first;
  std::size_t last = windows;
  while (window(last - 1) < threshold) --last;
  const std::size_t begin = first * kWindow - std::min(first * kWindow, in_samples(kUtteranceLead));
  const std::size_t end = std::min(samples.size(), last * kWindow + in_samples(kUtteranceTail));
  return samples.subspan(begin, end - begin);
}

}  // namespace parley
