// A job's promises: by when it will have left the phase it is in. Told to the supervisor, and armed in the kernel, so that
// a wedged job ends even when nobody watches it.
//
//   starting, closing, disposing, finished   the promise alone
//   running                                  no promise: the loop must turn
//   draining                                 the promise, and the loop must turn
//   hooks                                    each turn of the loop is progress and renews the promise, up to the cap
//
// Thread: the loop's only.
#pragma once

#include <functional>
#include <optional>

#include <parley/async/loop.hpp>

#include "ipc/deadlines.hpp"
#include "job/dead_man.hpp"

namespace parley::job {

class Promises {
 public:
  using Tell = std::function<void(ipc::Phase, std::optional<TimePoint> leave_by)>;

  Promises(Loop& loop, DeadMan& dead_man, const ipc::Deadlines& deadlines, Tell tell);

  // Phases only go forward; entering an earlier one, or the same one again, does nothing.
  void enter(ipc::Phase phase, std::optional<Duration> within = std::nullopt);
  // Leaves the present phase earlier than promised.
  void shorten(TimePoint leave_by);
  // Leaves it later: there is progress. Not beyond the phase's cap.
  void extend(TimePoint leave_by);
  // The loop turned.
  void turned();

  ipc::Phase phase() const noexcept { return phase_; }
  std::optional<TimePoint> leave_by() const noexcept { return leave_by_; }

 private:
  void arm();

  Loop& loop_;
  DeadMan& dead_man_;
  const ipc::Deadlines& deadlines_;
  Tell tell_;
  ipc::Phase phase_ = ipc::Phase::starting;
  std::optional<TimePoint> leave_by_;
  TimePoint cap_{};  // no renewal goes beyond it
};

}  // namespace parley::job
