// LiveKit's jobs as this worker's calls: a slot is kept when a job is offered, the assignment begins a call, and the server
// is told once how it ended. Where a job's process dies, its agent is removed from the room, and a telephone that it was
// linked to is hung up.
//
// Thread: the loop's only.
// Bound:  as many reservations as there are slots, each for kReservation; kMaxRemovals participants being removed, each tried
//         kRemoveTries times within kRemoveWithin.
// Ending: close() waits for removals; kill() drops them. Calls are the supervisor's, and are not touched.
#pragma once

#include <map>
#include <string>

#include <parley/async/scope.hpp>

#include "livekit/api/server_api.hpp"
#include "livekit/worker/agent_worker.hpp"
#include "worker/caller_watch.hpp"
#include "worker/supervisor.hpp"

namespace parley::worker {

// What the server is to be told: an AgentWorker does, in tests a list.
class JobReports {
 public:
  virtual ~JobReports() = default;
  virtual void status(const std::string& job_id, livekit::JobStatus status, std::string error) = 0;
  virtual void load_changed() = 0;
};

class LiveKitJobs final : public livekit::JobHost, public RoomCallOwner {
 public:
  static constexpr Duration kReservation = livekit::AgentWorker::kAssignmentWithin + 1s;
  static constexpr std::size_t kMaxRemovals = 1024;
  static constexpr int kRemoveTries = 4;
  static constexpr Duration kRemoveWithin = 15s;
  static constexpr Duration kOneRemoval = 5s;
  static constexpr Duration kRemovePause = 500ms;  // doubled
  static constexpr Duration kApiTokenLife = std::chrono::hours(24);

  struct Settings {
    livekit::Credentials credentials;
    std::string agent_name{};  // lk.agent.name
  };
  struct Counters {
    std::uint64_t late = 0;      // assigned when their reservation was over
    std::uint64_t expired = 0;   // reservations that nobody used
    std::uint64_t swallowed = 0; // terminations of an earlier self
    std::uint64_t removed = 0;   // participants
    std::uint64_t not_removed = 0;
  };

  // All outlive it.
  LiveKitJobs(Scope& parent, Supervisor& supervisor, net::HttpClient& http, JobReports& reports, Settings settings);
  ~LiveKitJobs() override;

  // Those of an earlier supervisor are told to be running.
  void start();

  // livekit::JobHost
  livekit::JobReply offered(const livekit::JobOffer& offer) override;
  void start(livekit::JobStart job) override;
  void release(const std::string& job_id) override;
  void terminate(const std::string& job_id) override;
  bool available() const noexcept override { return supervisor_.available(); }
  double load() const noexcept override { return supervisor_.load(); }
  std::size_t job_count() const noexcept override { return supervisor_.room_calls(); }

  // RoomCallOwner
  void on_adopted(const RoomCall& call) override;
  void on_ended(const RoomCall& call, const RoomCallEnd& end) override;
  void on_load() override { reports_.load_changed(); }

  const Counters& counters() const noexcept { return counters_; }
  std::size_t reservations() const noexcept { return reservations_.size(); }

  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept { scope_.kill(); }

 private:
  Task<void> expire();
  Task<void> remove(ipc::RoomPlace place, std::string identity);
  void begin_removal(const ipc::RoomPlace& place, const std::string& identity);
  bool take_reservation(const std::string& job_id);
  Result<ipc::RoomJob> room_job(livekit::JobStart job) const;

  Loop& loop_;
  Supervisor& supervisor_;
  JobReports& reports_;
  Settings settings_;
  livekit::ServerApi api_;
  CallerWatch callers_;
  Counters counters_;
  std::map<std::string, TimePoint> reservations_;  // by job: until when
  Event reserved_;
  Scope removals_;
  Scope scope_;
};

}  // namespace parley::worker
