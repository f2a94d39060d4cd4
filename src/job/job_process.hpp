// A job in a process of its own: its first acts, the real things it stands on, and its way out.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/real_loop.hpp"
#include "ipc/fd.hpp"
#include "job/job.hpp"

namespace parley::job {

// Where a process's journals are mirrored. What it makes lives as long as the process.
using MirrorFactory = std::function<std::unique_ptr<JournalMirror>(RealLoop&, Scope&)>;

// What every job of a worker has in common. Made before the fork, and only read after it.
struct JobProcessConfig {
  std::string state_dir;
  ProgramFactory program;
  std::shared_ptr<const HookRegistry> hooks;  // may be null
  Redaction redaction;
  MirrorFactory mirror;  // may be empty
  bool transcripts = true;
  ipc::Deadlines deadlines;
  std::shared_ptr<LogSink> log;
  LogLevel log_level = LogLevel::info;
  std::vector<int> keep_fds;  // beside the link and the standard three
};

// One arena for all threads, and memory goes back to the kernel as soon as it is freed: with glibc's own settings each helper
// thread keeps an arena, four megabytes a call. The zygote does it for its jobs, an exec'd job for itself.
void keep_heap_small() noexcept;

// The rest of this process's life. Called with one thread, right after the fork or at the start of an exec'd job.
[[noreturn]] void run_job(const ipc::Spawn& spawn, ipc::Fd link, const JobProcessConfig& config);

// Closes every descriptor but 0, 1, 2 and these.
void close_all_but(std::vector<int> keep) noexcept;

}  // namespace parley::job
