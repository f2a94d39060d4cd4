// What is left to do when a call's process is gone: its terminal record, and the work after the call in a fresh process
// where its own could not do it. Tried again, ever more slowly, until it is done; a call whose hooks have no tries left is
// done too (job/hooks.hpp decides).
//
// Thread: the loop's only.
// Bound:  kMaxCalls in memory, the rest is found by the next supervisor; kMaxProcesses at a time.
// Ending: with its scope; what is not done yet is in the journals.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>

#include <parley/async/scope.hpp>

#include "worker/attempt.hpp"
#include "worker/call_records.hpp"
#include "worker/worker_metrics.hpp"
#include "worker/zygote_client.hpp"

namespace parley::worker {

class Aftermath {
 public:
  static constexpr std::size_t kMaxCalls = 8192;
  static constexpr std::size_t kMaxProcesses = 4;
  static constexpr Duration kFirstPause = 1s;
  static constexpr Duration kLongestPause = 60s;
  static constexpr Duration kRecordPatience = 10s;

  struct Ports {
    System& system;
    ZygoteClient& zygote;
    CallRecords& records;
    const ipc::Deadlines& deadlines;
    AttemptCounters& counters;
    WorkerMetrics& metrics;
    // A call in a LiveKit room is over, as its journal says (CallRecords::State::room); told once a call.
    std::function<void(const std::string& call_id, const CallRecords::State& state)> room_call_over{};
  };

  Aftermath(Scope& parent, Ports ports);
  ~Aftermath();

  // `delay` for calls whose process may still be there.
  void begin(CallRecords::End end, Duration delay = {});
  // A process of an earlier supervisor that does the work after a call.
  void adopt(const ipc::JobIdentity& job, std::unique_ptr<Process> process);
  // Its link, when it dials in. False: it is none of ours.
  bool attach(const ipc::Hello& hello, int pid, std::unique_ptr<ipc::Link>& link);

  // Every call that began has its terminal record, or could not be given one by now.
  Task<Result<void>> recorded(Deadline deadline);
  // Its processes are over by then, or are made to be.
  void hurry(TimePoint by);
  // Errc::timeout: some are there still.
  Task<Result<void>> no_processes(Deadline deadline);
  // Nothing new is begun: what is left is in the journals.
  void stop_runs() noexcept { runs_ = false; }

  std::size_t calls() const noexcept { return scope_.tasks(); }
  std::size_t processes() const noexcept { return runs_in_progress_.size(); }
  std::uint64_t terminal_records() const noexcept { return terminal_records_; }

 private:
  class Run;
  Task<void> see_to(CallRecords::End end, Duration delay);
  Task<void> see_to_adopted(std::shared_ptr<Run> run, std::unique_ptr<Process> process);
  void forget(CallRecords::End& end);
  void end_run(const ipc::JobIdentity& job);
  Task<Duration> run_hooks(std::string call_id);

  Ports ports_;
  Loop& loop_;
  bool runs_ = true;
  std::optional<TimePoint> hurry_by_;
  std::size_t starting_ = 0;  // processes that were asked for and are not there yet
  std::map<std::string, std::shared_ptr<Run>> runs_in_progress_;  // by attempt
  Event run_ended_;
  std::size_t unrecorded_ = 0;
  Event all_recorded_;
  std::uint64_t terminal_records_ = 0;
  Scope scope_;
};

}  // namespace parley::worker
