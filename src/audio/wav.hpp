// WAV files: what a caller says from a file, what a recording is written to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <parley/audio/frame.hpp>
#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <string>
#include <vector>

#include "audio/samples.hpp"

namespace parley {

inline constexpr std::size_t kMaxWavBytes = 256 * MiB;  // 46 minutes of 48 kHz mono
inline constexpr int kMinWavRate = 8'000;               // Hz
inline constexpr int kMaxWavRate = 96'000;              // Hz

// Sound from a WAV file, as 16-bit samples whatever the file held.
struct Wav {
  int sample_rate = kTransportRate;
  int channels = 1;                   // 1 or 2
  std::vector<std::int16_t> samples;  // interleaved
  bool truncated = false;             // the file ended before its header said so, or said no length

  std::size_t frames() const noexcept { return samples.size() / static_cast<std::size_t>(channels); }
  Duration duration() const noexcept { return duration_of(frames(), sample_rate); }

  // One channel (0 is left), or both averaged into one.
  AudioFrame channel(int index) const;
  AudioFrame mono() const;
};

// Reads PCM of 16, 24 or 32 bits or 32-bit float, mono or stereo, 8 to 96 kHz, plain or WAVE_FORMAT_EXTENSIBLE. Takes
// what is there when the data ends early or the header gives no length (recordings of a crashed or piped program).
// Anything else is an error that says what the file is and how to convert it.
Result<Wav> parse_wav(ByteView file);

// A whole file of 16-bit PCM; `samples` are interleaved when channels is 2. Refuses more than kMaxWavBytes.
Result<Bytes> format_wav(int sample_rate, int channels, Samples samples);

// The 44 bytes that stand before `data_bytes` bytes of 16-bit PCM.
Bytes wav_header(int sample_rate, int channels, std::uint32_t data_bytes);

// left, right, left, right...; the shorter one is followed by silence.
std::vector<std::int16_t> interleave(Samples left, Samples right);

}  // namespace parley
