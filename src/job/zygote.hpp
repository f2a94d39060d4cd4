// The zygote: the process that jobs are forked from, with everything that each of them needs loaded and warm.
//
// It has one thread and a plain poll loop, and knows nothing of calls. Each job is forked twice, so that it is an orphan at
// birth and becomes the supervisor's own child. Before each fork the zygote counts its threads: a fork copies only the one
// that calls it, and what the others held stays locked for ever. If prewarm or a library started one, it is named and jobs
// are started by exec instead.
//
// Ending: with its supervisor (end of file).
#pragma once

#include <functional>

#include "job/job_process.hpp"

namespace parley::job {

struct ZygoteConfig {
  ipc::Fd supervisor;
  JobProcessConfig job;
  // Loads and warms what every call needs. May be empty. An error is told to the operator; jobs are started all the same
  // and find out for themselves.
  std::function<Result<void>()> prewarm;
  // The command line of a job that is exec'd, its link being this inherited descriptor.
  std::function<std::vector<std::string>(const ipc::Spawn&, int link_fd)> job_command;
};

[[noreturn]] void run_zygote(ZygoteConfig config);

}  // namespace parley::job
