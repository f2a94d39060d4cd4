#include "audio/delay_estimator.hpp"

#include <algorithm>

namespace parley {
namespace {

std::int64_t transit_of(Duration media, TimePoint now) noexcept { return (now.time_since_epoch() - media).count(); }

}  // namespace

std::optional<Duration> DelayEstimator::lateness(Duration media, TimePoint now) const noexcept {
  if (slices_ == 0) return std::nullopt;
  return Duration(transit_of(media, now) - base_);
}

Duration DelayEstimator::arrived(Duration media, TimePoint now) {
  const auto transit = transit_of(media, now);
  measure_base(transit, now);
  const Duration late(transit - base_);
  remember(late);
  adapt(late, now);
  last_ = now;
  return late;
}

void DelayEstimator::forget_base() noexcept {
  slices_ = 0;
  in_slice_ = 0;
}

void DelayEstimator::measure_base(std::int64_t transit, TimePoint now) noexcept {
  if (slices_ > 0 && now - last_ > kStaleAfter) forget_base();
  if (slices_ == 0 || in_slice_ == kSlicePackets) {
    // A whole slice beyond what playout can wait for: the path or the sender's clock has changed for good.
    if (slices_ > 0 && Duration(least_[slice_] - base_) > kMaxPlayoutDelay) {
      least_[0] = least_[slice_];
      slice_ = 0;
      slices_ = 1;
    }
    slice_ = slices_ == 0 ? 0 : (slice_ + 1) % kSlices;
    slices_ = std::min(slices_ + 1, kSlices);
    least_[slice_] = transit;
    in_slice_ = 0;
  }
  ++in_slice_;
  least_[slice_] = std::min(least_[slice_], transit);
  base_ = *std::min_element(least_.begin(), least_.begin() + static_cast<std::ptrdiff_t>(slices_));
}

void DelayEstimator::remember(Duration late) noexcept {
  ++packets_;
  // The first packets count fully: the memory is their plain average until it is as long as kMemory says.
  const double keep = std::min(kMemory, 1.0 - 1.0 / static_cast<double>(packets_));
  for (auto& bin : bins_) bin *= keep;
  const auto bin = std::min<std::size_t>(static_cast<std::size_t>(late / kBin), kBins - 1);
  bins_[bin] += 1.0 - keep;
}

Duration DelayEstimator::percentile() const noexcept {
  double share = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    share += bins_[i];
    if (share >= kPercentile) return kBin * static_cast<std::int64_t>(i + 1);
  }
  return kMaxPlayoutDelay;
}

void DelayEstimator::adapt(Duration late, TimePoint now) noexcept {
  auto wanted = percentile();
  if (late > target_) {
    // Half way at once, the rest if it happens again: one straggler must not cost the call its pace.
    wanted = std::max(wanted, target_ + std::max(kBin, (late - target_) / 2));
  }
  wanted = std::clamp(wanted, kMinPlayoutDelay, kMaxPlayoutDelay);
  if (wanted >= target_) {
    target_ = wanted;
  } else if (packets_ > 1) {
    const auto passed = std::min<Duration>(now - last_, 1s);  // silence teaches nothing
    target_ = std::max(wanted, target_ - Duration(kFall.count() * passed.count() / 1'000'000'000));
  }
}

}  // namespace parley
