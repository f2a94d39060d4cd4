// Audio as it passes between the parts of a call: mono, signed 16 bits, in frames.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <parley/base/time.hpp>

namespace parley {

inline constexpr int kTransportRate = 48'000;     // Hz: Opus, the mixer, everything that goes to a caller
inline constexpr int kSpeechRate = 16'000;        // Hz: what VAD and STT listen to
inline constexpr Duration kFrameDuration = 20ms;  // one frame, one packet
inline constexpr std::size_t kTransportFrameSamples = 960;
inline constexpr std::size_t kSpeechFrameSamples = 320;

// How long `samples` last at `rate`, and how many samples fit into `duration` (rounded down).
constexpr Duration duration_of(std::size_t samples, int rate) noexcept {
  return Duration(static_cast<std::int64_t>(samples) * 1'000'000'000 / rate);
}
constexpr std::size_t samples_in(Duration duration, int rate) noexcept {
  return duration <= Duration::zero() ? 0 : static_cast<std::size_t>(duration.count() * rate / 1'000'000'000);
}

// A stretch of sound, usually 20 ms. A plain value: whoever holds it owns its samples.
struct AudioFrame {
  std::vector<std::int16_t> samples{};
  int sample_rate = kTransportRate;

  Duration duration() const noexcept { return duration_of(samples.size(), sample_rate); }
  bool operator==(const AudioFrame&) const = default;
};

}  // namespace parley
