// A job's mark in the state directory: a small file that it locks in its first acts and holds locked until its death.
//
// By the marks a new supervisor knows which jobs of an earlier one live, even one that never dials in. A mark is written
// by the job alone, and taken away by the supervisor when the job's end has been recorded.
//
// Thread: any; touches the disk.
#pragma once

#include <string>
#include <vector>

#include "ipc/fd.hpp"
#include "ipc/job_identity.hpp"
#include "ipc/state_dir.hpp"

namespace parley::ipc {

struct MarkedJob {
  JobIdentity job;
  Fd pidfd;  // none: the job is dead
};

// The mark stays locked as long as the returned descriptor is open. Errc::io: no mark; the job goes on without one.
Result<Fd> set_job_mark(const StateDir& dir, const JobIdentity& job);

// All marks, at most kMaxMarks. Those that cannot be read belong to nobody that can be named, and are removed once dead.
constexpr std::size_t kMaxMarks = 10'000;
Result<std::vector<MarkedJob>> read_job_marks(const StateDir& dir);

void remove_job_mark(const StateDir& dir, const std::string& attempt_id);

}  // namespace parley::ipc
