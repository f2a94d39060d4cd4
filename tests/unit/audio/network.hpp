// A simulated network between a sender of 20 ms packets and a jitter buffer or receiver.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <parley/audio/frame.hpp>
#include <parley/base/random.hpp>
#include <parley/base/time.hpp>
#include <vector>

#include "audio/jitter_buffer.hpp"

namespace parley::testing {

// One packet on its way: the index-th frame, sent at `sent`, there at `arrives`.
struct Transit {
  std::size_t index;
  TimePoint sent;
  TimePoint arrives;
};

struct NetworkSettings {
  double loss = 0;    // chance of each packet
  Duration jitter{};  // uniform, on top of `delay`
  Duration delay = 10ms;
  double drift_ppm = 0;                             // how much faster the sender's clock runs
  std::function<bool(std::size_t)> drop = {};       // packets that are lost for sure
  std::function<Duration(std::size_t)> extra = {};  // further delay
  std::function<bool(std::size_t)> sends = {};      // false: silence, nothing is sent
};

// All packets of a call in the order of their arrival.
inline std::vector<Transit> carry(std::size_t frames, const NetworkSettings& net, std::uint64_t seed) {
  Random random(seed);
  std::vector<Transit> packets;
  for (std::size_t i = 0; i < frames; ++i) {
    const auto lost = random.chance(net.loss);
    const auto jitter = Duration(static_cast<std::int64_t>(random.unit() * static_cast<double>(net.jitter.count())));
    if (net.sends && !net.sends(i)) continue;
    const auto sent_ns = static_cast<double>(i) * 20e6 / (1 + net.drift_ppm / 1e6);
    const auto sent = TimePoint(1s) + Duration(static_cast<std::int64_t>(sent_ns));
    if (lost || (net.drop && net.drop(i))) continue;
    packets.push_back({i, sent, sent + net.delay + jitter + (net.extra ? net.extra(i) : Duration{})});
  }
  std::ranges::sort(
      packets, [](auto& a, auto& b) { return a.arrives != b.arrives ? a.arrives < b.arrives : a.index < b.index; });
  return packets;
}

// What a listener of the jitter buffer heard, frame for frame.
struct Heard {
  std::vector<PlayoutStep> playouts;
  std::vector<Duration> delays;  // of packets against the fastest possible
  JitterStats stats;

  std::size_t count(PlayoutStep::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(playouts, kind, &PlayoutStep::kind));
  }
  double mean_delay_ms(std::size_t from = 0) const {
    double sum = 0;
    for (std::size_t i = from; i < delays.size(); ++i) sum += to_ms(delays[i]);
    return sum / static_cast<double>(delays.size() - from);
  }
};

// Plays packets through a jitter buffer as a receiver does: what is asked for comes in whole playouts, and what is
// stretched lasts 5 ms more or less. Packet `i` holds its index, wrapped, as its payload.
inline Heard listen(JitterBuffer& buffer, const std::vector<Transit>& packets, Duration length,
                    std::uint16_t first_sequence = 0, std::uint32_t first_timestamp = 0,
                    std::function<std::uint16_t(std::size_t)> sequence_of = {}) {
  Heard heard;
  std::size_t next = 0;
  std::int64_t ready = 0;
  for (auto now = TimePoint(1s); now < TimePoint(1s) + length; now += kFrameDuration) {
    for (; next < packets.size() && packets[next].arrives <= now; ++next) {
      const auto i = packets[next].index;
      const auto sequence = sequence_of ? sequence_of(i) : static_cast<std::uint16_t>(i);
      buffer.push({1,
                   static_cast<std::uint16_t>(first_sequence + sequence),
                   first_timestamp + static_cast<std::uint32_t>(i * 960),
                   960,
                   true,
                   {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)}},
                  packets[next].arrives);
    }
    for (; ready < 960;) {
      auto playout = buffer.pull(now, static_cast<std::uint32_t>(ready));
      if (playout.kind == PlayoutStep::Kind::nothing) break;
      ready = playout.kind == PlayoutStep::Kind::silence ? 960 : ready + playout.samples;
      if (playout.pace == PlayoutStep::Pace::shorten) ready -= 240;
      if (playout.pace == PlayoutStep::Pace::lengthen) ready += 240;
      if (playout.kind == PlayoutStep::Kind::packet) heard.delays.push_back(buffer.stats().delay);
      heard.playouts.push_back(std::move(playout));
    }
    ready = std::max<std::int64_t>(0, ready - 960);
  }
  heard.stats = buffer.stats();
  return heard;
}

}  // namespace parley::testing
