// The processes of a worker from one binary: each is started with the same command line, and told its role by a hidden
// option at the end of it. So each knows the same agent, the same hooks and the same limits.
//
//   CLI::App app; auto* start = app.add_subcommand("start");
//   roles::WorkerOptions options;
//   roles::add_worker_options(*start, options);
//   try { app.parse(argc, argv); } catch (const CLI::ParseError& error) { return roles::exit_code(app, error); }
//   return roles::run_worker(argc, argv, options, make_parts(options));
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "ipc/inference.hpp"
#include "job/job_process.hpp"
#include "worker/supervisor_process.hpp"

namespace parley::roles {

// What an operator may say on the command line.
struct WorkerOptions {
  std::string state_dir;  // default: default_state_dir()
  std::size_t slots = 10;
  std::string listen = "127.0.0.1:8080";         // calls and page
  std::string health_listen = "127.0.0.1:8081";  // health and metrics
  std::string udp_ports;                         // "50000-50100"; empty: any
  std::string advertise;                         // address told to callers; empty: the interfaces' own
  double drain_grace_s = 60;
  std::size_t max_job_mib = 512;
  std::string log_format = "text";
  std::string log_level = "info";

  // Said by this program to itself.
  std::string role = "supervisor";
  std::string job_call, job_attempt, job_kind = "call";
  int job_fd = -1;
};

void add_worker_options(CLI::App& command, WorkerOptions& options);

// $XDG_STATE_HOME/parley, or ~/.local/state/parley; /var/lib/parley for root.
std::string default_state_dir();

// What a worker is made of. Every role makes all of it, so making it must be cheap and start no thread.
struct WorkerParts {
  std::string agent_name = "agent";
  job::ProgramFactory program;
  std::shared_ptr<const job::HookRegistry> hooks;  // may be null
  std::function<Result<void>()> prewarm;           // in the zygote, before the first fork; may be empty
  ipc::RecognizerFactory recognizer;               // empty: no inference process
  // In the supervisor, when it may begin to serve calls.
  std::function<Task<Result<std::shared_ptr<void>>>(RealLoop&, Scope&, worker::CallDesk&)> serve;
  // What is kept of calls (app/privacy.hpp makes these from an App).
  job::Redaction redaction;
  job::RetentionPolicy retention;
  job::MirrorFactory mirror;  // empty: none
  std::optional<worker::LiveKitConfig> livekit;  // where the supervisor registers; none: nowhere
  bool transcripts = true;
  std::vector<std::string> secrets;  // that no log line may show
  ipc::Deadlines deadlines;
};

// The rest of this process's life in its role. Returns only from the inference process.
int run_worker(int argc, char** argv, const WorkerOptions& options, WorkerParts parts);

// Prints what is wrong, or the help that was asked for; the exit code for it (CLI11's own are not in our table).
int exit_code(const CLI::App& app, const CLI::ParseError& error);

// `parley init COMMAND...`: this binary with the words after `init` is the supervisor.
int run_init(int argc, char** argv, const std::vector<std::string>& command);

}  // namespace parley::roles
