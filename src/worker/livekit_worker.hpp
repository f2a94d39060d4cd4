// This worker at a LiveKit server: the registration, and the jobs that come by it.
//
// Thread: the loop's only.
// Bound:  its parts' own.
// Ending: drain() takes no more jobs; close() lets removals and the last statuses go out, and says goodbye; kill() drops the
//         socket. Calls are the supervisor's.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "livekit/worker/agent_worker.hpp"
#include "worker/livekit_jobs.hpp"

namespace parley {
class RealLoop;
}

namespace parley::worker {

struct LiveKitConfig {
  livekit::AgentWorkerSettings registration;
  std::string agent_name;  // lk.agent.name, also where the registration has none
  // What its parts dial with.
  std::function<std::unique_ptr<net::HttpClient>(RealLoop&, Scope&)> http;
  std::function<std::unique_ptr<net::WebSocketClient>(RealLoop&, Scope&)> sockets;
};

class LiveKitWorker final : public RoomServer, private JobReports {
 public:
  // Without a registration for so long, / on the health port answers 503.
  static constexpr Duration kUnregisteredPatience = 30s;

  // The supervisor outlives it, and has taken over what was there.
  LiveKitWorker(RealLoop& loop, Scope& parent, Supervisor& supervisor, const LiveKitConfig& config);
  ~LiveKitWorker() override;

  void start();
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

  // RoomServer
  void drain() override { worker_.drain(); }
  bool healthy() const noexcept override;
  boost::json::object status() const override;
  std::vector<WorkerMetrics::Sample> samples() const override;

 private:
  void status(const std::string& job_id, livekit::JobStatus status, std::string error) override;
  void load_changed() override { worker_.load_changed(); }
  Task<void> serve();
  Task<CloseReport> close_body(Deadline deadline);

  Loop& loop_;
  Supervisor& supervisor_;
  std::string url_;
  std::string agent_name_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<net::WebSocketClient> sockets_;
  LiveKitJobs jobs_;
  livekit::AgentWorker worker_;
  std::optional<TimePoint> registered_at_;  // when it was last seen to be
  CloseOnce close_once_;
  Scope scope_;
};

}  // namespace parley::worker
