// A worker whose calls run the test program, told what to do over a socket in its state directory.
#include <boost/json.hpp>
#include <cstdio>
#include <latch>
#include <thread>

#include "control.hpp"
#include "program.hpp"
#include "roles/roles.hpp"

int main(int argc, char** argv) {
  using namespace parley;
  CLI::App app("worker of the process tests");
  app.require_subcommand(1);
  auto* start = app.add_subcommand("start");
  roles::WorkerOptions options;
  roles::add_worker_options(*start, options);
  bool thread_in_zygote = false, fast = false, recognizer = false;
  start->add_flag("--thread-in-zygote", thread_in_zygote);
  start->add_flag("--fast", fast, "deadlines of a tenth");
  start->add_flag("--recognizer", recognizer);
  auto* init = app.add_subcommand("init");
  init->prefix_command();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return roles::exit_code(app, error);
  }
  if (init->parsed()) return roles::run_init(argc, argv, init->remaining());

  roles::WorkerParts parts;
  parts.program = test_program();
  parts.hooks = test_hooks(options.state_dir);
  if (thread_in_zygote && options.role == "zygote") {
    parts.prewarm = [] {
      std::thread warmer([] { std::latch(1).wait(); });
      ::pthread_setname_np(warmer.native_handle(), "warmer");
      warmer.detach();
      return Result<void>{};
    };
  }
  if (fast) {
    auto& d = parts.deadlines;
    d = {.start = 2s, .drain_forced = 500ms, .drain_graceful = 3s, .session_close = 400ms, .leave = 200ms, .after_call = 12s,
         .one_hook = 6s, .disposal = 500ms, .grace_after_stop = 500ms, .grace_after_term = 1s, .max_extension = 1s,
         .turn_report = 200ms, .turns_missing = 2s, .dead_man = 6s};
  }
  if (recognizer) {
    parts.recognizer = []() -> Result<ipc::Recognize> {
      return ipc::Recognize([](std::span<const float> samples) -> Result<std::string> { return std::to_string(samples.size()); });
    };
  }
  const auto state_dir = options.state_dir;
  parts.serve = [state_dir](RealLoop& loop, Scope& scope, worker::CallDesk& desk) -> Task<Result<std::shared_ptr<void>>> {
    co_return serve_control(loop, scope, desk, state_dir);
  };
  return roles::run_worker(argc, argv, options, std::move(parts));
}
