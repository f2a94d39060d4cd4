// What is done with what the server says of jobs: asked of the host, noted in the table, answered.
//
// At once: an offer is answered in the turn in which it is read. Pure but for the host.
//
// Thread: the loop's only.
// Bound:  the table's.
#pragma once

#include <optional>
#include <string>

#include "livekit/worker/agent_worker.hpp"
#include "livekit/worker/job_table.hpp"
#include "livekit/worker/wire.hpp"

namespace parley::livekit {

class JobDesk {
 public:
  // All must outlive it.
  JobDesk(const AgentWorkerSettings& settings, JobHost& host, AgentWorker::Counters& counters, const Logger& logger)
      : settings_(settings), host_(host), counters_(counters), logger_(logger) {}

  // The answer, as it goes to the server.
  std::string offered(const JobOffer& offer, TimePoint now);
  // Nothing, or what the server must be told of a job that nobody waits for here.
  std::optional<std::string> assigned(wire::Assignment assignment);
  void terminated(const std::string& job_id);

  // Their assignments did not come in time. True: there were such.
  bool release_expired(TimePoint now);
  // The socket is gone, and with it every assignment that was still to come.
  void release_all();

  void drain() noexcept { draining_ = true; }
  bool draining() const noexcept { return draining_; }
  // What the server is to know of us; `seq` is the caller's.
  wire::WorkerState state(std::uint64_t seq) const;

  JobTable& table() noexcept { return table_; }

 private:
  JobReply ask(const JobOffer& offer);
  void release(const std::string& job_id, std::string_view why);

  const AgentWorkerSettings& settings_;
  JobHost& host_;
  AgentWorker::Counters& counters_;
  const Logger& logger_;
  JobTable table_;
  bool draining_ = false;
};

}  // namespace parley::livekit
