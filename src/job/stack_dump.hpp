// SIGTERM in a job: the stack of the loop's thread is written beside the journal, and the loop is told.
//
// Thread: installed on the loop's thread, which alone runs the handler's work; the signal may arrive on any.
// Bound:  kMaxFrames; nothing in the handler allocates, locks or waits.
#pragma once

#include <string>

#include "ipc/fd.hpp"

namespace parley::job {

constexpr int kMaxFrames = 64;

// Once a process. The returned descriptor becomes readable when SIGTERM has come. Errc::io.
Result<ipc::Fd> install_stack_dump(const std::string& path);

// Loads what the first stack needs, so that a handler finds it there: before the fork, once for all jobs.
void warm_stack_dump() noexcept;

}  // namespace parley::job
