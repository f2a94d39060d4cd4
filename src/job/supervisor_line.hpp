// The job's line to whichever supervisor there is.
//
// What is said is kept until it was handed over: the present phase, the end report, and the latest events. When the
// supervisor is gone the job goes on, and dials the state directory's socket until one answers; it then says who it is,
// and repeats what that supervisor does not have. A supervisor that sends what is no message of ours is hung up on.
//
// Thread: the loop's only. Nothing here ever waits for the supervisor, but flushed().
// Bound:  kMaxBacklog events and kMaxBacklogBytes, then the oldest go and are counted; kMaxAnswers; kMaxInbox messages read
//         ahead, then the supervisor is slowed down.
// Ending: with its scope.
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include <parley/async/channel.hpp>
#include <parley/async/scope.hpp>

#include "ipc/job_identity.hpp"
#include "ipc/link.hpp"

namespace parley::job {

class SupervisorLine {
 public:
  static constexpr std::size_t kMaxBacklog = 512;
  static constexpr std::size_t kMaxBacklogBytes = 1 * MiB;
  static constexpr std::size_t kMaxAnswers = 16;
  static constexpr std::size_t kMaxInbox = 16;
  static constexpr Duration kFirstRedial = 50ms;
  static constexpr Duration kLongestRedial = 1s;
  static constexpr Duration kWelcomePatience = 3s;

  // `orphaned` is called each time the supervisor is lost.
  SupervisorLine(Scope& parent, ipc::JobIdentity job, std::unique_ptr<ipc::Link> link, ipc::Dialer& dialer,
                 std::function<void()> orphaned);

  void start();

  // What the supervisor says, but for its welcome.
  Channel<ipc::ToJob>& inbox() noexcept { return inbox_; }

  void phase(ipc::Phase phase, std::optional<TimePoint> leave_by);
  void turns(std::uint64_t turns);
  void answer(ipc::Answer answer);
  // Numbers the event; returns its number.
  std::uint64_t event(std::string type, std::string data_json);
  void end(ipc::AttemptEnd end);
  void after_call(ipc::AfterCallDone done);
  void mirror(ipc::MirrorReport report);
  // Which room job this is: said to every supervisor that did not start it.
  void in_room(ipc::RoomPlace place) { place_ = std::move(place); }
  // The latest of each counts, and is said again to every new supervisor.
  void linked(ipc::Linked linked);
  void rejoining(bool now);

  // Everything said so far was handed over. Errc::timeout.
  Task<Result<void>> flushed(Deadline deadline);

  std::uint64_t lost_events() const noexcept { return lost_events_; }
  bool connected() const noexcept { return link_ != nullptr && welcomed_; }

 private:
  Task<void> talk();
  Task<void> listen();
  Task<void> redial();
  Task<void> pump();
  void greet();
  void take(ipc::ToJob message);
  bool send_pending();
  bool send(const ipc::FromJob& message);
  ipc::PhaseChange present_phase() const;
  bool nothing_pending() const noexcept;

  Scope& parent_;
  ipc::JobIdentity job_;
  std::shared_ptr<ipc::Link> link_;  // shared with the task that reads it
  ipc::Dialer& dialer_;
  std::function<void()> orphaned_;
  bool welcomed_ = true;  // the supervisor that started this job knows it
  Channel<ipc::ToJob> inbox_{kMaxInbox};

  ipc::Phase phase_ = ipc::Phase::starting;
  std::optional<TimePoint> leave_by_;
  bool phase_pending_ = false;
  std::optional<std::uint64_t> turns_;
  std::deque<ipc::Answer> answers_;
  std::deque<ipc::JobEvent> backlog_;
  std::size_t backlog_bytes_ = 0;
  std::uint64_t next_event_ = 1;
  std::uint64_t sent_event_ = 0;  // the last one handed over
  std::uint64_t lost_events_ = 0;
  std::optional<ipc::AttemptEnd> end_;
  bool end_pending_ = false;
  std::optional<ipc::AfterCallDone> after_call_;
  bool after_call_pending_ = false;
  std::optional<ipc::MirrorReport> mirror_pending_;
  std::optional<ipc::RoomPlace> place_;
  std::optional<ipc::Linked> linked_;
  bool linked_pending_ = false;
  std::optional<ipc::Rejoining> rejoining_;
  bool rejoining_pending_ = false;

  Event something_pending_;
  Event all_sent_;
  Scope scope_;
};

}  // namespace parley::job
