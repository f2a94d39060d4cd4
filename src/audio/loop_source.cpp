#include "audio/loop_source.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <parley/audio/frame.hpp>
#include <utility>

namespace parley {
namespace {

constexpr std::size_t kSeam = 480;  // 10 ms, at most a quarter of the clip

}  // namespace

LoopSource::LoopSource(Clip clip, float gain, Duration fade_in)
    : clip_(std::move(clip)), seam_(std::min(kSeam, clip_->size() / 4)) {
  assert(!clip_->empty());
  set_gain(gain, fade_in);
}

void LoopSource::set_gain(float gain, Duration fade) {
  target_ = std::max(gain, 0.0F);
  const auto samples = samples_in(fade, kTransportRate);
  if (samples == 0) gain_ = target_;
  step_ = samples == 0 ? 0.0F : (target_ - gain_) / static_cast<float>(samples);
}

void LoopSource::stop(Duration fade) {
  set_gain(0.0F, fade);
  stopping_ = true;
}

std::int16_t LoopSource::next() noexcept {
  const auto& clip = *clip_;
  const auto seam_begins = clip.size() - seam_;
  auto sample = static_cast<float>(clip[at_]);
  if (at_ >= seam_begins) {
    const auto into = at_ - seam_begins;
    const auto share = static_cast<float>(into + 1) / static_cast<float>(seam_ + 1);
    sample += (static_cast<float>(clip[into]) - sample) * share;
  }
  // The seam has already played the beginning.
  if (++at_ == clip.size()) at_ = seam_;
  return static_cast<std::int16_t>(std::lrintf(sample));
}

void LoopSource::render(MutableSamples out) {
  if (done()) return;
  for (auto& sample : out) {
    const auto mixed = static_cast<float>(sample) + static_cast<float>(next()) * gain_;
    sample = static_cast<std::int16_t>(std::lrintf(std::clamp(mixed, -32768.0F, 32767.0F)));
    if (step_ == 0.0F) continue;
    gain_ += step_;
    if ((step_ > 0.0F) == (gain_ >= target_)) {
      gain_ = target_;
      step_ = 0.0F;
    }
  }
}

}  // namespace parley
