// When to blame a job, and what to do about it: a pure function of what it said and what time it is.
//
//   late -> starved? one extension -> ask (stop message) -> grace -> SIGTERM -> grace -> SIGKILL
//
// A job is late when it has not left its phase by its promise, when its loop does not turn while it serves, when it was
// told to stop and goes on as if nothing had been said, or when it has no line to us for kMuteLimit. A promise counts for
// no more than its phase's cap, however often it is renewed.
#pragma once

#include <optional>
#include <string>

#include "ipc/deadlines.hpp"

namespace parley::worker {

class Escalation {
 public:
  static constexpr Duration kMuteLimit = 10s;     // without a line
  static constexpr Duration kWireSlack = 300ms;   // a promise kept in time is heard of a moment later
  static constexpr Duration kKillAgain = 5s;      // a process may be stuck in the kernel

  enum class Act { wait, extend, ask, terminate, kill };
  struct Decision {
    Act act = Act::wait;
    TimePoint look_again{};
  };

  Escalation(const ipc::Deadlines& deadlines, TimePoint now);

  void on_phase(ipc::Phase phase, std::optional<Duration> leave_within, TimePoint now);
  void on_turns(TimePoint now);
  void on_stop_sent(TimePoint now);
  void on_line(bool there, TimePoint now);
  // Whatever it is doing, it is over by then.
  void hurry(TimePoint by);
  // It lied, or took more than it may: ask no more.
  void condemn(std::string why, TimePoint now);

  // `starved`: since it was last on time it waited for a processor, or we did.
  Decision decide(TimePoint now, bool starved);

  ipc::Phase phase() const noexcept { return phase_; }
  // "it did not leave `draining` by its promise": what the last decision against it was for; empty: none was.
  const std::string& blame() const noexcept { return blame_; }

 private:
  enum class Stage { none, asked, terminated, killed };
  TimePoint due(std::string& why) const;

  const ipc::Deadlines& deadlines_;
  ipc::Phase phase_ = ipc::Phase::starting;
  TimePoint phase_began_;
  std::optional<TimePoint> leave_by_;
  TimePoint last_turn_;
  std::optional<TimePoint> stop_sent_;
  std::optional<TimePoint> line_lost_;
  std::optional<TimePoint> hurry_;
  Duration extension_{};
  Stage stage_ = Stage::none;
  TimePoint stage_began_{};
  std::string blame_;
};

}  // namespace parley::worker
