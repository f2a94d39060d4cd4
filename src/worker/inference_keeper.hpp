// Keeps the inference process alive, where this worker has one. Jobs reach it through its own socket; the supervisor only
// starts it again when it dies, ever more slowly while it keeps dying.
//
// Thread: the loop's only.
// Ending: stop() ends the process too. With its scope alone it goes on, for the calls that go on without a supervisor, and
//         ends by itself when nobody needs it any more.
#pragma once

#include <csignal>
#include <memory>

#include <parley/async/scope.hpp>

#include "ipc/exit_code.hpp"
#include "worker/restart_budget.hpp"
#include "worker/system.hpp"

namespace parley::worker {

class InferenceKeeper {
 public:
  InferenceKeeper(Scope& parent, System& system) : system_(system), scope_(parent, "inference") {}
  void start() { (void)scope_.spawn("keep_alive", keep_alive()); }

  Task<void> stop(Deadline deadline) {
    stopping_ = true;
    if (!process_) co_return;
    process_->signal(SIGTERM);
    if (!co_await ended_.wait(deadline)) process_->signal(SIGKILL);
  }

  // Set when the first one cannot start: no model that it can use, and the next ones will have none either.
  Event& unusable() noexcept { return unusable_; }
  bool is_unusable() const noexcept { return unusable_.is_set(); }
  // There should be one, and there is none just now: it died, or cannot be started.
  bool is_away() const noexcept { return wanted_ && !process_; }

  int pid() const noexcept { return process_ ? process_->pid() : 0; }
  std::size_t restarts() const noexcept { return budget_.restarts(); }

 private:
  Task<void> keep_alive() {
    auto& loop = co_await this_loop();
    while (!stopping_) {
      const auto began = loop.now();
      auto process = system_.start_inference();
      if (!process && process.error().code() == Errc::not_found) co_return;
      wanted_ = true;
      if (process) {
        process_ = std::move(*process);
        ended_.reset();
        const auto status = co_await process_->wait(Deadline::bounded_by_scope());
        ended_.set();
        const bool cannot_start = status && status->code == static_cast<int>(ipc::ExitCode::cannot_start);
        if (cannot_start && budget_.restarts() == 0) unusable_.set();
        process_.reset();
        if (stopping_) co_return;
      } else {
        loop.logger().error("the inference process could not be started: {}", process.error().message());
      }
      const auto pause = budget_.after(loop.now() - began);
      loop.logger().warn("the inference process is gone; the next one starts in {:.0f} ms", to_ms(pause));
      co_await sleep_for(pause);
    }
  }

  System& system_;
  RestartBudget budget_;
  std::unique_ptr<Process> process_;
  Event ended_;
  Event unusable_;
  bool wanted_ = false;
  bool stopping_ = false;
  Scope scope_;
};

}  // namespace parley::worker
