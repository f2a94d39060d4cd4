// Why something ends, and how a task learns of it.
#pragma once

#include <string>
#include <string_view>

namespace parley {

// Who or what asked for an end. Stable names: they stand in journals, records and metrics.
enum class StopCause {
  finished,         // its work was done
  caller_hung_up,   // the caller said goodbye
  caller_vanished,  // the caller fell silent on every channel
  agent_hung_up,    // the agent ended the call (end_call, session.end)
  limit,            // a limit of the agent file: duration, silence
  replaced,         // a newer one of the same kind took its place
  failure,          // something it needs broke
  shutdown,         // the worker is being stopped
  owner_closed,     // its owner ends, and so does it
  refused,          // the agent did not take the call
  job_terminated,   // the LiveKit server took the job back
  room_closed,      // the LiveKit room is over, or we were removed from it
};

std::string_view to_string(StopCause cause) noexcept;

struct StopReason {
  StopCause cause = StopCause::owner_closed;
  std::string detail;  // one sentence for people; may be empty
};

// Thrown out of the wait in which a task was told to stop, and out of every later one, also when what it waits for is
// there already. Such a later wait does nothing besides: it starts no operation, takes and leaves no value; only an ending
// (close) is begun all the same. Awaiting a Task is no wait of its own: the task runs, up to its first wait.
//
// It is no std::exception, because application code catches those. Never catch it to go on: clean up by RAII, let it pass.
struct Stopped {
  StopReason reason;
};

}  // namespace parley
