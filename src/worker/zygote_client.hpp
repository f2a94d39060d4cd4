// The supervisor's zygote: keeps one alive, and has it start jobs.
//
// Thread: the loop's only.
// Bound:  kMaxPending requests; a zygote that leaves one unanswered for kSpawnPatience (on a machine whose processors are all
//         taken, kBusyPatience) is killed and replaced. A caller may give up sooner: that is no reason to replace it.
// Ending: with its scope; the zygote ends when its link does.
#pragma once

#include <map>
#include <memory>

#include <parley/async/scope.hpp>

#include "worker/restart_budget.hpp"
#include "worker/system.hpp"

namespace parley::worker {

class ZygoteClient {
 public:
  static constexpr std::size_t kMaxPending = 256;
  static constexpr Duration kWarmUp = 60s;      // loading models, on a cold disk
  static constexpr Duration kSpawnPatience = 3s;  // a fork takes a millisecond
  static constexpr Duration kBusyPatience = 10s;

  ZygoteClient(Scope& parent, System& system);
  void start();

  // The job's process. Errc::unavailable: the zygote died meanwhile, and nobody knows whether the job was started;
  // Errc::timeout; Errc::overloaded.
  Task<Result<std::unique_ptr<Process>>> spawn(ipc::JobKind kind, std::string call_id, std::string attempt_id,
                                               std::unique_ptr<ipc::Handle> link, Deadline deadline);

  // The first warm-up is over.
  Task<Result<void>> wait_ready(Deadline deadline) { return wait_event(ready_, deadline); }
  bool ready() const noexcept { return ready_.is_set(); }
  std::size_t restarts() const noexcept { return budget_.restarts(); }
  int pid() const noexcept { return process_ ? process_->pid() : 0; }

 private:
  struct Pending {
    TimePoint asked_at;
    Event done;
    Result<std::unique_ptr<Process>> result = fail(Errc::unavailable, "the zygote died");
  };
  static Task<Result<void>> wait_event(Event& event, Deadline deadline);
  Task<void> keep_alive();
  Task<void> serve(ipc::Link& link);
  Task<void> watch_answers();
  TimePoint patience_ends(const Pending& pending) const noexcept;
  void on_spawned(const ipc::Spawned& spawned, ipc::Handles handles);
  void fail_pending();

  System& system_;
  Loop& loop_;
  RestartBudget budget_;
  std::unique_ptr<Process> process_;
  ipc::Link* link_ = nullptr;
  Event ready_;
  Event asked_;
  std::uint64_t next_request_ = 1;
  std::map<std::uint64_t, std::shared_ptr<Pending>> pending_;  // the oldest first
  Scope scope_;
};

}  // namespace parley::worker
