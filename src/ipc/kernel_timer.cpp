#include "ipc/kernel_timer.hpp"

#include <signal.h>

#include <utility>

namespace parley::ipc {

Result<KernelTimer> KernelTimer::create() {
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  timer_t id{};
  if (::timer_create(CLOCK_MONOTONIC, &event, &id) != 0) return fail(errno_error("timer_create", errno));
  return KernelTimer(id);
}

KernelTimer::KernelTimer(KernelTimer&& other) noexcept : id_(other.id_), valid_(std::exchange(other.valid_, false)) {}

KernelTimer::~KernelTimer() {
  if (valid_) ::timer_delete(id_);
}

void KernelTimer::arm(TimePoint at) noexcept {
  const auto since = std::max<std::int64_t>(at.time_since_epoch().count(), 1);
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(since / 1'000'000'000);
  when.it_value.tv_nsec = static_cast<long>(since % 1'000'000'000);
  ::timer_settime(id_, TIMER_ABSTIME, &when, nullptr);
}

void KernelTimer::disarm() noexcept {
  const itimerspec never{};
  ::timer_settime(id_, 0, &never, nullptr);
}

}  // namespace parley::ipc
