// The supervisor as a process: what it stands on, its signals, its way out.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/real_loop.hpp"
#include "job/hooks.hpp"
#include "worker/livekit_worker.hpp"
#include "worker/supervisor.hpp"
#include "worker/system_real.hpp"

namespace parley::worker {

struct SupervisorProcessConfig {
  std::string state_dir;
  SupervisorConfig supervisor;
  Commands commands;
  std::shared_ptr<const job::HookRegistry> hooks;  // names only: the supervisor runs none
  job::RetentionPolicy retention;
  std::function<std::unique_ptr<job::JournalMirror>(RealLoop&, Scope&)> mirror;  // of its own records; may be empty
  std::shared_ptr<LogSink> log;
  LogLevel log_level = LogLevel::info;

  std::optional<LiveKitConfig> livekit;  // the server to register with; none: callers come over HTTP alone

  // Begins to serve (HTTP), when everything that was there has been taken over. What it returns lives until the calls are
  // over, and is destroyed before the desk is. An error ends the process with cannot_start.
  std::function<Task<Result<std::shared_ptr<void>>>(RealLoop&, Scope&, CallDesk&)> serve;
};

// SIGTERM or SIGINT drain: calls may finish. A second one closes them at once, a third ends the process where it stands;
// jobs then go on until a new supervisor takes them over.
[[noreturn]] void run_supervisor(SupervisorProcessConfig config);

}  // namespace parley::worker
