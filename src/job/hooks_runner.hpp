// Runs what pending_hooks() says is left, and journals it: in the job after the call, or in a fresh process of the
// supervisor's that holds the journal's lock.
//
//   HookRunner runner(scope, journal, registry);
//   const auto report = co_await runner.run(loop.in(HookRunner::kTotal));
//   if (report.next_try) ...   // a fresh process then; nothing is left when it is empty
//
// Thread: the loop's only.
// Bound:  one hook at a time; each its policy's timeout and a grace, all the deadline of run().
// Ending: request_stop() stops the hook that runs, which counts as failed, and starts no other; close() waits for it;
//         kill() and the destructor destroy it where it waits.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "job/hooks.hpp"
#include "job/journal.hpp"

namespace parley::job {

struct HookOutcome {
  std::string key;
  enum class Kind { done, failed, given_up } kind = Kind::failed;
  bool synced = false;  // the disk knows; else it may run again after a crash
  std::string error;
  Duration took{};
};

struct HookReport {
  std::vector<HookOutcome> outcomes;
  std::size_t pending = 0;           // left for later
  std::optional<WallTime> next_try;  // the earliest of them
};

class HookRunner {
 public:
  static constexpr Duration kTotal = 120s;
  static constexpr Duration kStopGrace = 500ms;  // between telling a hook to stop and destroying it
  static constexpr Duration kSyncPatience = 2s;  // a slow disk delays hooks by no more than this each time

  HookRunner(Scope& parent, Journal& journal, const HookRegistry& registry);

  // Once at a time. Runs everything that is due now, in order. Nothing without the journal of a call that another process
  // began: what it did already is in there.
  Task<HookReport> run(Deadline deadline);

  void request_stop(StopReason reason) noexcept { scope_.request_stop(std::move(reason)); }
  Task<CloseReport> close(Deadline deadline) { return scope_.close(deadline); }
  void kill() noexcept { scope_.kill(); }

 private:
  Task<HookOutcome> run_one(HookState state, const RegisteredHook& hook, Deadline deadline);
  Task<bool> sync_soon(Deadline deadline);
  void count_what_is_left(HookReport& report) const;

  Journal& journal_;
  const HookRegistry& registry_;
  bool running_ = false;
  Scope scope_;
};

}  // namespace parley::job
