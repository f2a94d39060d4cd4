#include "job/promises.hpp"

namespace parley::job {

using ipc::Phase;

Promises::Promises(Loop& loop, DeadMan& dead_man, const ipc::Deadlines& deadlines, Tell tell)
    : loop_(loop), dead_man_(dead_man), deadlines_(deadlines), tell_(std::move(tell)) {
  cap_ = loop_.now() + deadlines_.start;
  leave_by_ = cap_;
  arm();
}

void Promises::enter(Phase phase, std::optional<Duration> within) {
  if (phase <= phase_) return;
  phase_ = phase;
  const auto now = loop_.now();
  if (phase == Phase::running) {
    leave_by_.reset();
  } else {
    cap_ = now + deadlines_.cap(phase);
    leave_by_ = within ? std::min(now + *within, cap_) : cap_;
    if (phase == Phase::hooks) leave_by_ = std::min(now + deadlines_.one_hook, cap_);
  }
  arm();
  tell_(phase_, leave_by_);
}

void Promises::shorten(TimePoint leave_by) {
  if (!leave_by_ || leave_by >= *leave_by_) return;
  leave_by_ = leave_by;
  arm();
  tell_(phase_, leave_by_);
}

void Promises::extend(TimePoint leave_by) {
  leave_by = std::min(leave_by, cap_);
  if (!leave_by_ || leave_by <= *leave_by_) return;
  leave_by_ = leave_by;
  arm();
  tell_(phase_, leave_by_);
}

void Promises::turned() {
  if (phase_ == Phase::hooks) {
    const auto renewed = std::min(loop_.now() + deadlines_.one_hook, cap_);
    if (renewed > *leave_by_ + deadlines_.one_hook / 4) {
      leave_by_ = renewed;
      tell_(phase_, leave_by_);
    }
  }
  arm();
}

void Promises::arm() {
  const auto now = loop_.now();
  auto at = TimePoint::max();
  if (leave_by_) at = *leave_by_ + deadlines_.kernel_slack();
  if (phase_ == Phase::running || phase_ == Phase::draining) at = std::min(at, now + deadlines_.dead_man);
  dead_man_.arm(at);
}

}  // namespace parley::job
