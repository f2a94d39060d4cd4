#include "audio/time_stretch.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "audio/samples.hpp"

namespace parley {
namespace {

constexpr std::size_t kMinLag = 120;   // 2.5 ms: 400 Hz
constexpr std::size_t kMaxLag = 480;   // 10 ms: 100 Hz
constexpr std::size_t kOverlap = 480;  // compared and cross-faded
constexpr std::size_t kCoarse = 4;     // first search: every fourth lag, every fourth sample
constexpr double kAlike = 0.85;        // normalised correlation
constexpr float kQuietDbov = -50.0F;   // nobody hears a join in this

// Normalised correlation of the first kOverlap samples with those `lag` later.
double likeness(Samples frame, std::size_t lag, std::size_t step) noexcept {
  double cross = 0;
  double here = 0;
  double there = 0;
  for (std::size_t i = 0; i < kOverlap; i += step) {
    const double a = frame[i];
    const double b = frame[i + lag];
    cross += a * b;
    here += a * a;
    there += b * b;
  }
  const double energy = std::sqrt(here * there);
  return energy > 0 ? cross / energy : 1.0;
}

// The lag of the period to remove or repeat; 0: none is good enough.
std::size_t find_period(Samples frame, bool force) noexcept {
  if (frame.size() < kMaxLag + kOverlap) return 0;
  std::size_t best = kMinLag;
  double best_likeness = -1;
  const auto consider = [&](std::size_t lag, std::size_t step) {
    const auto found = likeness(frame, lag, step);
    if (found <= best_likeness) return;
    best_likeness = found;
    best = lag;
  };
  for (std::size_t lag = kMinLag; lag <= kMaxLag; lag += kCoarse) consider(lag, kCoarse);
  const auto around = best;
  best_likeness = likeness(frame, around, 1);
  for (auto lag = std::max(kMinLag, around - kCoarse + 1); lag < std::min(kMaxLag + 1, around + kCoarse); ++lag) {
    consider(lag, 1);
  }
  if (best_likeness >= kAlike || force || level_dbov(frame) < kQuietDbov) return best;
  return 0;
}

std::int16_t fade(std::int16_t from, std::int16_t to, std::size_t i) noexcept {
  const auto share = static_cast<std::int32_t>(i);
  constexpr auto kWhole = static_cast<std::int32_t>(kOverlap);
  return static_cast<std::int16_t>((from * (kWhole - share) + to * share) / kWhole);
}

}  // namespace

std::size_t shorten(std::vector<std::int16_t>& frame, bool force) {
  const auto lag = find_period(frame, force);
  if (lag == 0) return 0;
  for (std::size_t i = 0; i < kOverlap; ++i) frame[i] = fade(frame[i], frame[i + lag], i);
  const auto gone = frame.begin() + kOverlap;
  frame.erase(gone, gone + static_cast<std::ptrdiff_t>(lag));
  return lag;
}

std::size_t lengthen(std::vector<std::int16_t>& frame, bool force) {
  const auto lag = find_period(frame, force);
  if (lag == 0) return 0;
  std::vector<std::int16_t> longer;
  longer.reserve(frame.size() + lag);
  longer.assign(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(lag));
  for (std::size_t i = 0; i < kOverlap; ++i) longer.push_back(fade(frame[i + lag], frame[i], i));
  longer.insert(longer.end(), frame.begin() + kOverlap, frame.end());
  frame = std::move(longer);
  return lag;
}

}  // namespace parley
