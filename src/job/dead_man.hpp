// The timer that ends a job which cannot end itself: in a real process the kernel's (ipc/kernel_timer.hpp).
#pragma once

#include <parley/base/time.hpp>

namespace parley::job {

class DeadMan {
 public:
  virtual ~DeadMan() = default;
  // The process is killed at `at`; the moment armed last counts.
  virtual void arm(TimePoint at) noexcept = 0;
};

}  // namespace parley::job
