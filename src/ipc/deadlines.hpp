// How long each part of an ending may take: the defaults of the law of endings, in one place for job and supervisor.
//
// Every one is a maximum. Tests shorten them.
#pragma once

#include <parley/base/time.hpp>

#include "ipc/exit_code.hpp"
#include "ipc/message.hpp"

namespace parley::ipc {

struct Deadlines {
  Duration start = 10s;            // from the process's begin to its first answer
  Duration drain_forced = 5s;
  Duration drain_graceful = 60s;   // of speech
  Duration session_close = 2s;
  Duration leave = 1s;
  Duration after_call = 120s;      // all hooks
  Duration one_hook = 61s;         // one that keeps the loop busy: the hook's own minute, and its grace
  Duration disposal = 2s;
  Duration finish = kMaxFinish + 1s;

  Duration grace_after_stop = 1s;  // beyond what a stop allows, before SIGTERM
  Duration grace_after_term = 2s;  // before SIGKILL
  Duration max_extension = 5s;     // granted once to a job that was starved

  Duration turn_report = 1s;       // a running job says so often that its loop turns
  Duration turns_missing = 8s;     // and is blamed when it has not for so long
  Duration dead_man = 20s;         // then the kernel kills it, with or without a supervisor

  // The supervisor's gentler means come first: the kernel's timer is later than a promise by all of them.
  Duration kernel_slack() const noexcept { return grace_after_stop + grace_after_term + max_extension + 1s; }

  // The longest promise a phase can make; `running` makes none.
  Duration cap(Phase phase) const noexcept;
};

inline Duration Deadlines::cap(Phase phase) const noexcept {
  switch (phase) {
    case Phase::starting: return start;
    case Phase::running: return Duration::max();
    case Phase::draining: return drain_graceful;
    case Phase::closing: return session_close + leave;
    case Phase::hooks: return after_call + 2s;
    case Phase::disposing: return disposal;
    case Phase::finished: return finish;
  }
  return finish;
}

}  // namespace parley::ipc
