// The seam between the supervisor, whose calls are processes, and whoever brings it calls in LiveKit rooms
// (livekit_jobs.hpp).
//
// Thread: the loop's only.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include <parley/async/stop.hpp>

#include "ipc/message.hpp"
#include "worker/worker_metrics.hpp"

namespace parley::worker {

// A call in a room, as its supervisor knows it.
struct RoomCall {
  std::string call_id;
  ipc::RoomPlace place;
  ipc::Linked linked;  // as its job told last
};

// How it ended.
struct RoomCallEnd {
  StopReason reason;
  bool told = false;   // by its job, which has left its room; else its process died, or never was
  bool clean = false;  // nothing had to be forced
};

// Called on the loop; must not block, nor destroy the supervisor.
class RoomCallOwner {
 public:
  virtual ~RoomCallOwner() = default;
  // A job of an earlier supervisor has said who it is.
  virtual void on_adopted(const RoomCall& call) = 0;
  // Exactly once for each call; its hooks may be at work still.
  virtual void on_ended(const RoomCall& call, const RoomCallEnd& end) = 0;
  // Another call began or ended, by whatever way it came.
  virtual void on_load() = 0;
};

// The server that sends such calls, as operators see it.
class RoomServer {
 public:
  virtual ~RoomServer() = default;
  // The worker is being stopped: no new calls.
  virtual void drain() = 0;
  // New calls may come: we are known to it.
  virtual bool healthy() const noexcept = 0;
  virtual boost::json::object status() const = 0;              // in /worker
  virtual std::vector<WorkerMetrics::Sample> samples() const = 0;  // in /metrics
};

}  // namespace parley::worker
