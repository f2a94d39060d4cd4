// The slot table: how many calls this worker serves at once.
//
// A slot is taken at admission and given back when the work after the call begins. While the machine starves its jobs, no
// more calls are admitted than there are; then one more every kRecovery, up to the full number.
//
// Thread: the loop's only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include <parley/base/time.hpp>

namespace parley::worker {

class Slots {
 public:
  static constexpr Duration kRecovery = 2s;

  explicit Slots(std::size_t capacity) : capacity_(capacity) {}

  // False: all are taken.
  bool take(TimePoint now) {
    if (in_use_ >= limit(now)) return false;
    ++in_use_;
    return true;
  }
  // For a call that is there already: adopted jobs may be more than there are slots.
  void take_over() { ++in_use_; }
  void release() { in_use_ -= in_use_ > 0 ? 1 : 0; }

  void starved(TimePoint now) {
    throttled_to_ = std::max<std::size_t>(in_use_, 1);
    throttled_at_ = now;
  }

  std::size_t limit(TimePoint now) const {
    if (!throttled_at_) return capacity_;
    const auto recovered = static_cast<std::size_t>((now - *throttled_at_) / kRecovery);
    return std::min(capacity_, throttled_to_ + recovered);
  }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t in_use() const noexcept { return in_use_; }

 private:
  std::size_t capacity_;
  std::size_t in_use_ = 0;
  std::size_t throttled_to_ = 0;
  std::optional<TimePoint> throttled_at_;
};

}  // namespace parley::worker
