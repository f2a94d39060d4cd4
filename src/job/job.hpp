// A job: the life of one process that serves one call, from its first offer, or from going into its LiveKit room, to its end.
//
// It owns the call's program and keeps the law of endings for it: whatever the program does, the end comes in order and in
// bounded time, and each step is tried whatever became of the one before:
//
//   stop input and speech -> drain -> session closes, room is left -> the attempt's end is journalled -> work after the call
//   -> native disposal -> finish
//
// A job of kind `after_call` has no program: it does the work after a call whose own job could not.
//
// Thread: the loop's only.
// Bound:  kMaxOffersAtOnce answers in the making; every phase by its deadline, and by the kernel's timer beyond (Promises).
// Ending: it ends itself, by `finish`; destroying it is kill() (the simulated world's kill -9).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <parley/async/scope.hpp>

#include "ipc/deadlines.hpp"
#include "ipc/exit_code.hpp"
#include "job/ending_steps.hpp"
#include "job/hooks.hpp"
#include "job/journal.hpp"
#include "job/program.hpp"
#include "job/promises.hpp"
#include "job/supervisor_line.hpp"

namespace parley::job {

struct JobConfig {
  ipc::JobIdentity identity;
  ipc::Deadlines deadlines;
  ProgramFactory program;
  const HookRegistry* hooks = nullptr;  // must outlive the job; null: no work after the call
  Redaction redaction;
  bool transcripts = true;  // privacy.transcripts
};

// What a job stands on: real in a process, simulated in tests.
struct JobPorts {
  std::unique_ptr<ipc::Link> link;  // to the supervisor that started it
  ipc::Dialer* dialer = nullptr;
  DeadMan* dead_man = nullptr;
  JournalWriter writer;
  JournalMirror* mirror = nullptr;  // must outlive the job; null: none
  OpenJournal journal;  // taken in the process's first acts; a job of kind after_call is nothing without it
  std::function<void(ipc::ExitCode)> finish;
};

class Job final : private JobContext {
 public:
  static constexpr std::size_t kMaxOffersAtOnce = 4;
  static constexpr std::size_t kMaxEventBytes = ipc::kMaxEventBytes;
  static constexpr Duration kTerminateBudget = 1s;  // for everything, once SIGTERM came: two seconds later comes SIGKILL
  static constexpr Duration kSyncPatience = 1s;     // the ending waits so long for a slow disk, each time

  Job(Loop& loop, JobConfig config, JobPorts ports);
  ~Job() override;

  void start();
  // SIGTERM: ends within kTerminateBudget; the work after the call is left to others.
  void terminate();

  ipc::Phase phase() const noexcept { return promises_.phase(); }
  JobProgram* program() noexcept { return program_.get(); }

 private:
  // JobContext
  const CallInfo& call() const noexcept override { return info_; }
  const Logger& logger() const noexcept override { return logger_; }
  Scope& scope() noexcept override { return *call_scope_; }
  void emit(std::string_view type, boost::json::object data) override;
  void remember(std::string_view key, boost::json::value value) override { journal_.remember(key, std::move(value)); }
  void sync() override { journal_.request_sync(); }
  void end_call(StopReason reason) override;
  void closing_step(std::string_view name) override { steps_.enter(name, loop_.now()); }
  void caller(boost::json::object about) override { journal_.append(record_type::kCaller, std::move(about)); }
  void linked(std::string identity, std::string kind) override;
  void rejoining(bool now) override { line_.rejoining(now); }

  Task<void> live();
  Task<void> live_in_order();
  Task<void> serve();
  Task<void> report_turns();
  Task<void> watch_start();
  Task<void> answer(ipc::Offer offer, Deadline deadline);
  Task<void> join(Deadline deadline);
  void on_started(const Result<void>& result);
  void begin(const ipc::Begin& begin);
  void take_room(const ipc::RoomJob& room);
  void offered(ipc::Offer offer);
  void publish(std::string_view type, const boost::json::object& data, bool journalled);

  void request_end(StopReason reason, bool forced);
  Task<void> end_in_order();
  Task<void> close_program();
  Task<void> run_program_close(Deadline drain, Deadline deadline);
  Task<void> close_scope();
  Task<void> journal_end();
  Task<bool> work_after_call();
  Task<void> dispose();
  Task<void> finish();
  Task<void> flush_mirror(Deadline deadline);
  Deadline cut_or(Duration budget) const;
  void note_failure(std::string_view step, std::string_view why);

  Loop& loop_;
  JobConfig config_;
  JobPorts ports_;
  CallInfo info_;
  Logger logger_;
  bool has_journal_;
  Journal journal_;
  Scope root_;
  SupervisorLine line_;
  Promises promises_;
  std::optional<Scope> call_scope_;
  std::optional<Scope> answers_;
  std::unique_ptr<JobProgram> program_;
  bool answered_ = false;

  bool ending_ = false;
  bool forced_ = false;
  StopReason reason_;
  std::optional<TimePoint> cut_;  // SIGTERM came: everything is over by then
  std::optional<Deadline> drain_, close_deadline_;
  Event end_requested_;
  Event close_changed_;  // the program has closed, or must do so faster
  bool program_closed_ = false;
  CloseReport teardown_;
  EndingSteps steps_;
  ipc::ExitCode exit_ = ipc::ExitCode::ok;
  Scope main_;  // the job's own tasks; last, so that they are destroyed first
};

}  // namespace parley::job
