// Samples in, samples out, in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "audio/samples.hpp"

namespace parley {

// Thread: the owner's only.
// Bound:  none of its own; the owner keeps size() within its bound. Memory follows the largest size it had.
class SampleFifo {
 public:
  std::size_t size() const noexcept { return samples_.size() - head_; }
  bool empty() const noexcept { return size() == 0; }

  // What is inside, oldest first; valid until the next push or drop.
  Samples view() const noexcept { return Samples(samples_).subspan(head_); }

  void push(Samples samples) {
    if (head_ > 0 && head_ >= samples_.size() - head_) {
      samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    samples_.insert(samples_.end(), samples.begin(), samples.end());
  }
  void push_silence(std::size_t count) { samples_.resize(samples_.size() + count); }

  // Moves min(size(), out.size()) samples into `out`; says how many.
  std::size_t pop(MutableSamples out) noexcept {
    const auto count = std::min(size(), out.size());
    std::copy_n(samples_.begin() + static_cast<std::ptrdiff_t>(head_), count, out.begin());
    head_ += count;
    return count;
  }

  void clear() noexcept {
    samples_.clear();
    head_ = 0;
  }

 private:
  std::vector<std::int16_t> samples_;
  std::size_t head_ = 0;
};

}  // namespace parley
