// The one way out of every process of ours.
//
// Thread: the one that owns the process's loop; other threads may still run.
// Bound:  kMaxFinish, then the kernel kills the process.
#pragma once

#include <functional>
#include <span>

#include <parley/base/time.hpp>

#include "ipc/exit_code.hpp"

namespace parley::ipc {

constexpr Duration kMaxSocketGoodbye = 500ms;  // for all sockets together
constexpr int kMaxGoodbyeSockets = 256;

// Runs `flush` (log, journal), says goodbye on every connected socket and reads it to its end (a reset would eat what was
// sent last), looks for leaks in sanitizer builds, and ends the process. No destructor of static storage runs.
[[noreturn]] void finish_process(ExitCode code, std::span<const std::function<void()>> flush = {});

}  // namespace parley::ipc
