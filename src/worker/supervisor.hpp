// The supervisor: admits calls, has a job started for each, sees to it that each ends, and records how.
//
// It touches no media, no model and no user code. Before it serves anybody it takes over what an earlier supervisor left:
// jobs that go on with their calls, and calls whose jobs died meanwhile.
//
// Thread: the loop's only.
// Bound:  `slots` calls at a time; kMaxKept ended calls are remembered for kKeep, so that their watchers see the end.
// Ending: drain() lets calls finish, then closes them, in bounded time, and says whether any was cut. Destroying it leaves
//         the jobs alone: they go on, and dial a new supervisor.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include <parley/async/scope.hpp>

#include "worker/aftermath.hpp"
#include "worker/call_desk.hpp"
#include "worker/event_log.hpp"
#include "worker/inference_keeper.hpp"
#include "worker/room_calls.hpp"
#include "worker/slots.hpp"
#include "worker/worker_metrics.hpp"

namespace parley::worker {

struct SupervisorConfig {
  std::size_t slots = 10;
  std::size_t max_job_bytes = 512 * MiB;  // memory of a job's own; 0: unlimited
  Duration drain_grace = 60s;             // calls may finish for so long after the first SIGTERM
  ipc::Deadlines deadlines;
  std::string agent_name{};  // told in /worker
  std::string node_name{};   // of this machine: a label of LiveKit's metrics
};

class Supervisor final : public CallDesk {
 public:
  static constexpr Duration kAdoptionWindow = 3s;   // living jobs dial in within a second
  static constexpr Duration kHelloPatience = 2s;
  static constexpr Duration kKeep = 60s;
  static constexpr std::size_t kMaxKept = 512;
  static constexpr int kSpawnTries = 2;             // when the zygote dies under a call's start
  static constexpr std::size_t kMaxCalls = 10'000;
  static constexpr Duration kTidyEvery = 1h;        // journals that are too old, or too many
  static constexpr Duration kTidyPatience = 60s;
  static constexpr Duration kFlushPatience = 5s;    // for terminal records, at the end
  static constexpr Duration kDiskLook = 1s;
  // LiveKit takes the job of a participant's earlier self back when the new one is there; we hear of it a little later.
  static constexpr Duration kRejoinedGrace = 5s;
  static constexpr Duration kSlowDiskLook = 60s;    // after one that was not answered: each holds a helper thread

  Supervisor(Loop& loop, SupervisorConfig config, System& system, CallRecords& records);
  ~Supervisor() override;

  // Takes over what is there, then starts zygote and inference process. Offers are refused before it is done. Errc::io.
  Task<Result<void>> start();

  // The first call begins: jobs are told, no new call is admitted; when the grace is over, or hurry() is called, they are
  // closed by force. True: every call ended by itself.
  Task<bool> drain();
  void hurry();
  // False: at the deadline some calls still have a process.
  Task<bool> wait_calls_gone(Deadline deadline);

  // CallDesk
  Task<Result<CallAnswer>> offer(std::string sdp, boost::json::object metadata, Deadline deadline) override;
  Task<Result<CallAnswer>> reoffer(std::string call_id, std::string sdp, Deadline deadline) override;
  Result<void> hang_up(std::string_view call_id) override;
  Result<std::unique_ptr<CallWatch>> watch(std::string_view call_id, std::uint64_t last_id) override;
  bool healthy() const noexcept override;
  boost::json::object status() const override;
  std::string metrics() const override;

  // Calls in LiveKit rooms (room_calls.cpp). The owner is told at once of those that are there; null: nobody is told any more.
  // Both are to be there until nullptr is given, or the supervisor is destroyed.
  void set_room_owner(RoomCallOwner* owner);
  void set_room_server(RoomServer* server) noexcept { room_server_ = server; }
  // A slot for a call that may come: until join() or release_reserved(). Errc::overloaded, Errc::closing.
  Result<void> reserve();
  void release_reserved();
  // The call begins, in the slot that was reserved for it; what becomes of it the owner is told. Its id. Errc::closing.
  Result<std::string> join(ipc::RoomJob room);
  // Ends the call that serves this job, by force and in bounded time.
  enum class Termination : std::uint8_t { begun, rejoining, unknown };  // rejoining: it is meant for its earlier self, and left aside
  Termination stop_room_call(std::string_view job_id, const StopReason& reason);
  // A call in a room that goes on, and whose job has found nobody there yet.
  bool awaits_caller(std::string_view job_id) const noexcept;
  // How many calls in rooms go on, and slots that are kept for such.
  std::size_t room_calls() const noexcept;
  // A call could begin now.
  bool available() const noexcept;
  // What calls need is loaded, for the first time.
  Task<Result<void>> wait_warm(Deadline deadline) { return zygote_.wait_ready(deadline); }
  // Slots, or memory, whichever is more; 0 to 1.
  double load() const noexcept;

  std::size_t calls() const noexcept { return active_; }
  std::size_t slots_in_use() const noexcept { return slots_.in_use(); }
  std::uint64_t terminal_records() const noexcept { return aftermath_.terminal_records(); }
  int zygote_pid() const noexcept { return zygote_.pid(); }
  int inference_pid() const noexcept { return inference_.pid(); }
  Event& inference_unusable() noexcept { return inference_.unusable(); }

 private:
  class Call;
  struct Pending;
  // What a call begins with: an offer and whoever waits for its answer, or a room.
  struct Beginning {
    std::string metadata_json = "{}";
    std::string sdp{};
    std::shared_ptr<Pending> first{};
    std::optional<ipc::RoomJob> room{};
    int tries = 1;  // of a room's: a zygote that dies under its start
  };
  struct Counters {
    std::uint64_t admitted = 0, refused = 0, ended = 0, crashed = 0, adopted = 0, unanswered = 0;
  };

  // admission.cpp
  Result<Call*> admit();
  Task<Result<CallAnswer>> offer_once(const std::string& sdp, const std::string& metadata_json, Deadline deadline, bool& never_born);
  Call& add_call(std::string call_id, std::string attempt_id);
  Task<Result<CallAnswer>> wait_answer(std::string call_id, std::shared_ptr<Pending> pending, Deadline deadline);
  Task<void> live(Call& call, Beginning beginning, Deadline deadline);
  void not_started(Call& call, Beginning& beginning, std::uint64_t request, const Error& why);
  Task<void> outlive(Call& call, std::unique_ptr<Process> process);
  void on_gone(Call& call, const AttemptExit& exit);
  void free_slot(Call& call);
  void finish_events(Call& call);
  Call* find(std::string_view call_id) const noexcept;
  Result<void> may_begin() const;
  void stop_call(Call& call, const StopReason& reason, bool forced);

  // room_calls.cpp
  Result<Call*> begin_room(ipc::RoomJob room, int tries);
  bool begin_again(Call& call, Beginning& beginning);
  Call* find_room(std::string_view job_id) const noexcept;
  void adopt_room(Call& call, const ipc::RoomPlace& place);
  void end_room(Call& call);
  void tell_end(RoomCall call, RoomCallEnd end);
  void room_call_over(const std::string& call_id, const CallRecords::State& state);
  void load_changed() {
    if (room_owner_) room_owner_->on_load();
  }

  // adoption.cpp
  Result<std::size_t> take_over();
  Task<void> accept_jobs();
  Task<void> greet(std::unique_ptr<ipc::Link> link, int pid);
  void adopt(const ipc::JobIdentity& job, std::unique_ptr<Process> process);

  Task<void> housekeeping();
  Task<void> watch_disk();
  Task<void> tidy_journals();

  Loop& loop_;
  SupervisorConfig config_;
  System& system_;
  CallRecords& records_;
  Slots slots_;
  AttemptCounters attempt_counters_;
  Counters counters_;
  WorkerMetrics metrics_;
  bool serving_ = false;
  bool draining_ = false;
  bool cutting_ = false;          // the drain's grace is over
  std::size_t reserved_ = 0;      // slots kept for calls in rooms
  double memory_use_ = 0;         // at the last look
  RoomCallOwner* room_owner_ = nullptr;
  std::deque<std::pair<RoomCall, RoomCallEnd>> unheard_;  // ends that nobody heard, until there is an owner; at most kMaxKept
  RoomServer* room_server_ = nullptr;
  Event hurried_;
  Event gone_;                    // set each time a call's process, or a reservation, is gone
  std::size_t expected_ = 0;      // adopted jobs that have not dialled in yet
  Event all_dialled_;
  std::size_t active_ = 0;        // calls whose process lives
  std::uint64_t next_request_ = 1;
  std::map<std::string, std::unique_ptr<Call>, std::less<>> calls_;
  Scope scope_;
  Scope calls_scope_;
  Scope greetings_;
  ZygoteClient zygote_;
  InferenceKeeper inference_;
  Aftermath aftermath_;
};

}  // namespace parley::worker
