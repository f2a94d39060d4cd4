// How a process of ours says why it ended; docs/processes.md explains each to operators.
//
// Not used: 1, 23, 66, 77 and everything from 126 on, which sanitizers, test runners and shells use.
#pragma once

#include <parley/base/time.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define PARLEY_HAS_LSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PARLEY_HAS_LSAN 1
#endif
#endif

namespace parley::ipc {

// The longest that finish_process takes. The leak check of a sanitizer build stops the world, and is slow where the world
// is crowded.
#ifdef PARLEY_HAS_LSAN
constexpr Duration kMaxFinish = 30s;
#else
constexpr Duration kMaxFinish = 3s;
#endif

enum class ExitCode : int {
  ok = 0,               // ended in order
  usage = 2,            // the command line or a file it names cannot be used
  cannot_start = 3,     // supervisor: a port is taken, the state directory is in use or cannot be written
                        // inference: no model, or no socket; starting it again at once will not help
  calls_cut = 4,        // supervisor: it was told to stop, and calls were still going on when their time was over
  unclean = 5,          // job: ended in order, but something of it had to be forced
  start_failed = 6,     // job: the call never began
  terminated = 7,       // job: told to end by SIGTERM
  after_call_due = 8,   // job: the work after the call is not done
  no_supervisor = 9,    // zygote, inference: its supervisor is gone
  internal_error = 10,  // a bug: an exception came up to main
  gave_up = 11,         // init: the supervisor died too often
  stuck = 12,           // inference: one took longer than any may; starting it again helps
};

const char* to_string(ExitCode code) noexcept;

}  // namespace parley::ipc
