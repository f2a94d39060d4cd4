// A kernel timer that kills this very process: the end of those that cannot end themselves any more.
//
// It fires though the loop spins with all signals blocked. It is not inherited by fork: each process makes its own.
//
// Thread: any.
#pragma once

#include <ctime>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::ipc {

class KernelTimer {
 public:
  static Result<KernelTimer> create();
  KernelTimer(KernelTimer&& other) noexcept;
  KernelTimer& operator=(KernelTimer&&) = delete;
  ~KernelTimer();

  // SIGKILL at `at` (CLOCK_MONOTONIC); the moment armed last counts.
  void arm(TimePoint at) noexcept;
  void disarm() noexcept;

 private:
  explicit KernelTimer(timer_t id) noexcept : id_(id), valid_(true) {}
  timer_t id_;
  bool valid_;
};

}  // namespace parley::ipc
