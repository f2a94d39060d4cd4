// How soon a process that died is started again: at once, then ever more slowly, until it has lived for a while.
#pragma once

#include <algorithm>

#include <parley/base/time.hpp>

namespace parley::worker {

class RestartBudget {
 public:
  static constexpr Duration kFirst = 50ms;
  static constexpr Duration kLongest = 10s;
  static constexpr Duration kHealthy = 30s;  // a life of this length is forgiven its end

  // The pause before the next start, after a life of this length.
  Duration after(Duration lived) {
    if (lived >= kHealthy) next_ = kFirst;
    const auto pause = next_;
    next_ = std::min<Duration>(next_ * 2, kLongest);
    ++restarts_;
    return pause;
  }
  std::size_t restarts() const noexcept { return restarts_; }

 private:
  Duration next_ = kFirst;
  std::size_t restarts_ = 0;
};

}  // namespace parley::worker
