// One job process as its supervisor sees it: what it says, what it promised, and what is done when it breaks a promise.
//
// Thread: the loop's only.
// Bound:  kBurst messages of a job are read at once, then it waits kPause: one that floods us is slowed down. Of memory of
//         its own it may have `max_private_bytes`.
// Ending: run() returns when the process is gone, which escalation sees to; destroying it leaves the process alone (a new
//         supervisor adopts it).
#pragma once

#include <memory>
#include <optional>

#include <parley/async/scope.hpp>

#include "worker/escalation.hpp"
#include "worker/system.hpp"

namespace parley::worker {

// Who wants to know what a job says. Called from tasks of the attempt; must not destroy it.
class AttemptOwner {
 public:
  virtual ~AttemptOwner() = default;
  virtual void on_answer(ipc::Answer answer) = 0;
  virtual void on_event(ipc::JobEvent event) = 0;
  virtual void on_phase(ipc::Phase phase) = 0;
  virtual void on_end(ipc::AttemptEnd end) = 0;
  virtual void on_after_call(ipc::AfterCallDone done) = 0;
  virtual void on_starved() = 0;
  // Of calls in LiveKit rooms.
  virtual void on_linked(ipc::Linked) {}
  virtual void on_rejoining(bool) {}
};

struct AttemptCounters {
  std::uint64_t asked = 0, terminated = 0, killed = 0, extended = 0, protocol_errors = 0;
  ipc::MirrorReport mirror;  // of all jobs, as they said it at their ends
};

// How a process ended.
struct AttemptExit {
  ExitStatus status;
  std::string blame;  // why it was asked, terminated or killed; empty: it ended by itself, or was killed by others
};

class Attempt {
 public:
  static constexpr std::size_t kBurst = 64;
  static constexpr Duration kPause = 5ms;
  static constexpr Duration kLook = 1s;              // at least so often it is looked at
  static constexpr Duration kLastWords = 500ms;      // for what a process said before it ended
  static constexpr double kStarvedShare = 0.3;       // of the time since it was last on time, waiting for a processor

  Attempt(Scope& parent, System& system, const ipc::Deadlines& deadlines, ipc::JobIdentity job, AttemptOwner& owner,
          AttemptCounters& counters, std::size_t max_private_bytes);

  // The line to it: at its start, and each time it dials in.
  void attach(std::unique_ptr<ipc::Link> link);
  // Until the process is gone.
  Task<AttemptExit> run(std::unique_ptr<Process> process);

  // Never waits. What cannot be said is said by signals in time.
  Result<void> begin(const std::string& metadata_json, std::optional<ipc::RoomJob> room = std::nullopt);
  Result<void> offer(std::uint64_t request, std::string sdp, Duration budget);
  void welcome(std::uint64_t have_event);
  void stop(const StopReason& reason, bool forced);
  void drain(Duration grace);
  void hurry(TimePoint by);
  // Its process was never born, or is nobody's business any more: whoever is at the other end sees the end.
  void abandon();
  // Its lines in the log say which room it is in.
  void name_room(const std::string& room) { logger_ = logger_.with(log_field::kRoom, room); }
  // What it said of itself when it dialled in.
  void hello(const ipc::Hello& hello);

  const ipc::JobIdentity& job() const noexcept { return job_; }
  const Logger& logger() const noexcept { return logger_; }  // its lines say which call and which job
  int pid() const noexcept { return process_ ? process_->pid() : job_.pid; }
  ipc::Phase phase() const noexcept { return escalation_.phase(); }
  // Memory of its own when it was last looked at, every five seconds; 0: not yet.
  std::size_t private_bytes() const noexcept { return private_bytes_; }

 private:
  Result<void> say(const ipc::ToJob& message);
  void say_stop();
  Task<void> read(std::shared_ptr<ipc::Link> link);
  Task<void> watch();
  void take(ipc::FromJob message);
  void look_again() { changed_.set(); }
  bool starved(TimePoint now) const;
  void on_time();
  void act(Escalation::Act act);
  void check_memory();

  System& system_;
  Loop& loop_;
  ipc::JobIdentity job_;
  AttemptOwner& owner_;
  AttemptCounters& counters_;
  std::size_t max_private_bytes_;
  std::size_t private_bytes_ = 0;
  Logger logger_;
  Escalation escalation_;
  std::unique_ptr<Process> process_;
  std::shared_ptr<ipc::Link> link_;
  std::optional<ipc::Stop> stop_;  // said again to a job that dials in
  Event changed_;
  Event read_to_end_;
  TimePoint on_time_at_;                       // when it was last seen to be on time
  std::optional<Process::Effort> effort_then_; // and what it had got by then
  Duration woke_late_{};                       // the longest that we ourselves woke late since then
  Scope scope_;
};

}  // namespace parley::worker
