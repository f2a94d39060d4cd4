// How late packets come, and how long playout must wait for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <parley/base/time.hpp>

namespace parley {

inline constexpr Duration kMinPlayoutDelay = 20ms;
inline constexpr Duration kMaxPlayoutDelay = 200ms;
inline constexpr Duration kFirstPlayoutDelay = 60ms;  // before anything is known

// A packet's transit is its arrival less its media time; the least transit of the last 10 s (as packets, so that it
// follows a drifting clock) is the base, and what a packet took longer is its lateness. The target delay covers the
// 98.5th percentile of lateness, with old packets fading from memory within 20 s. A packet beyond the target
// raises it at once; it falls by kFall per second at most.
//
// Thread: the owner's only. Bound: two fixed arrays.
class DelayEstimator {
 public:
  // A packet with media time `media` (from any fixed point) came in. Its lateness against the base, never negative.
  Duration arrived(Duration media, TimePoint now);

  // What arrived() would measure: negative when the packet is faster than all before it. None before the first.
  std::optional<Duration> lateness(Duration media, TimePoint now) const noexcept;

  // Media time passes at another offset from now on: the base is forgotten, the target stays.
  void forget_base() noexcept;

  // When media time `media` is to be heard. Only after a packet has arrived.
  TimePoint due(Duration media) const noexcept { return TimePoint(Duration(base_) + media + target_); }

  Duration target() const noexcept { return target_; }

 private:
  static constexpr Duration kBin = 5ms;
  static constexpr std::size_t kBins = 50;          // to 250 ms and beyond
  static constexpr std::size_t kSlices = 20;        // of the window
  static constexpr std::size_t kSlicePackets = 25;  // half a second of speech
  static constexpr double kMemory = 0.998;          // per packet: half is forgotten in 7 s
  static constexpr double kPercentile = 0.985;
  static constexpr Duration kFall = 10ms;       // per second
  static constexpr Duration kStaleAfter = 30s;  // without packets

  void measure_base(std::int64_t transit, TimePoint now) noexcept;
  void remember(Duration late) noexcept;
  void adapt(Duration late, TimePoint now) noexcept;
  Duration percentile() const noexcept;

  std::array<std::int64_t, kSlices> least_{};  // least transit of each slice, ns; a ring
  std::size_t slices_ = 0;                     // in use
  std::size_t slice_ = 0;                      // the newest
  std::size_t in_slice_ = 0;                   // packets in it
  std::int64_t base_ = 0;                      // ns
  std::array<double, kBins> bins_{};           // share of packets by lateness; sums to 1 once any came
  std::uint64_t packets_ = 0;
  Duration target_ = kFirstPlayoutDelay;
  TimePoint last_{};
};

}  // namespace parley
