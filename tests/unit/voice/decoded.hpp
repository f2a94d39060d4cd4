// A recording as its listener hears it: decoded by ffmpeg.
#pragma once

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "voice/recording_timeline.hpp"

namespace parley::voice {

struct Decoded {
  std::vector<std::int16_t> channels[2];  // 48 kHz; of mono the first
  double seconds() const { return static_cast<double>(channels[0].size()) / kTransportRate; }

  // Mean level of a channel between two moments, in dB below full scale.
  double level(int channel, double from, double to) const {
    const auto& all = channels[channel];
    double sum = 0;
    std::size_t count = 0;
    for (auto i = static_cast<std::size_t>(from * kTransportRate); i < std::min(all.size(), static_cast<std::size_t>(to * kTransportRate)); ++i, ++count) {
      sum += static_cast<double>(all[i]) * all[i];
    }
    return count == 0 ? -200 : 10 * std::log10(sum / static_cast<double>(count) / (32768.0 * 32768.0) + 1e-20);
  }
};

inline Decoded decode(const std::string& path, int channels) {
  const auto command = "ffmpeg -v error -i '" + path + "' -f s16le -ar 48000 -ac " + std::to_string(channels) + " - 2>/dev/null";
  Decoded decoded;
  auto* pipe = ::popen(command.c_str(), "r");
  std::int16_t pair[2];
  while (pipe && ::fread(pair, sizeof(std::int16_t), static_cast<std::size_t>(channels), pipe) == static_cast<std::size_t>(channels)) {
    for (int c = 0; c < channels; ++c) decoded.channels[c].push_back(pair[c]);
  }
  if (pipe) EXPECT_EQ(::pclose(pipe), 0) << "ffmpeg cannot read " << path;
  return decoded;
}

// 20 ms of a tone, at a moment of its own; quiet is 0.
inline void tone(std::array<std::int16_t, kTransportFrameSamples>& into, double hertz, std::int64_t slot) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    const auto t = static_cast<double>(slot * static_cast<std::int64_t>(into.size()) + static_cast<std::int64_t>(i)) / kTransportRate;
    into[i] = static_cast<std::int16_t>(8000 * std::sin(2 * std::numbers::pi * hertz * t));
  }
}

// A folder that goes with the test.
struct Folder {
  Folder() {
    char name[] = "/tmp/parley-recording-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

}  // namespace parley::voice
