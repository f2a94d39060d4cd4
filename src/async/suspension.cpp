#include <parley/async/suspension.hpp>

#include <cassert>

namespace parley {

std::string_view to_string(StopCause cause) noexcept {
  switch (cause) {
    case StopCause::finished: return "finished";
    case StopCause::caller_hung_up: return "caller_hung_up";
    case StopCause::caller_vanished: return "caller_vanished";
    case StopCause::agent_hung_up: return "agent_hung_up";
    case StopCause::limit: return "limit";
    case StopCause::replaced: return "replaced";
    case StopCause::failure: return "failure";
    case StopCause::shutdown: return "shutdown";
    case StopCause::owner_closed: return "owner_closed";
    case StopCause::refused: return "refused";
    case StopCause::job_terminated: return "job_terminated";
    case StopCause::room_closed: return "room_closed";
  }
  return "owner_closed";
}

void TaskRoot::stop(const StopReason& reason) noexcept {
  if (stop_requested_) return;
  stop_requested_ = true;
  stop_reason_ = reason;
  if (waiting_) waiting_->settle(Suspension::Outcome::stopped);
}

Suspension::~Suspension() {
  if (root_ && root_->waiting_ == this) root_->waiting_ = nullptr;
}

void Suspension::suspend(std::coroutine_handle<> handle, Deadline deadline) noexcept {
  assert(root_->waiting_ == nullptr);
  root_->waiting_ = this;
  suspend_beside(handle, deadline);
  if (!root_->stop_requested_) return;
  // Told to stop before: throws all the same, but only after a turn of the loop, so that a task that swallows every
  // Stopped cannot keep the others, or its own deadline, from their turn.
  if (root_->stop_thrown_) {
    outcome_ = Outcome::stopped;  // nothing else can end this wait
    loop().arm(*this, loop().now() + kDeafPause);
  } else {
    settle(Outcome::stopped);
  }
}

void Suspension::suspend_beside(std::coroutine_handle<> handle, Deadline deadline) noexcept {
  handle_ = handle;
  outcome_ = Outcome::pending;
  if (deadline.is_set()) loop().arm(*this, deadline.at());
}

void Suspension::fire() {
  if (outcome_ == Outcome::stopped) {
    loop().make_ready(*this);  // the pause of a deaf task is over
  } else {
    settle(Outcome::timed_out);
  }
}

void Suspension::settle(Outcome outcome) noexcept {
  if (outcome_ != Outcome::pending || !handle_) return;
  outcome_ = outcome;
  disarm();
  wait_hook_.unlink();
  loop().make_ready(*this);
}

void Suspension::run() {
  if (root_->waiting_ == this) root_->waiting_ = nullptr;
  if (outcome_ == Outcome::stopped) root_->stop_thrown_ = true;
  const CurrentTask current(loop(), *root_);
  handle_.resume();
}

}  // namespace parley
