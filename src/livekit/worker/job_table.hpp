// What a worker owes its server: the jobs that it has accepted, and what is to be said of them.
//
//   accepted ──assigned──► running ──ended──► told ──confirmed──► forgotten
//       └─ expired or lost: the slot is free again
//
// An end is kept until the server has answered a ping that was sent behind it: a socket that dies takes messages with it
// that were sent and never read. Until then it is said again on every new registration; so is every running job.
//
// Pure: time comes in. Bound: kMaxStatuses jobs; beyond that the oldest end goes, and is counted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "livekit/worker/agent_worker.hpp"

namespace parley::livekit {

class JobTable {
 public:
  struct Update {
    std::string job_id;
    JobStatus status = JobStatus::running;
    std::string error;
  };

  explicit JobTable(std::size_t max_jobs = AgentWorker::kMaxStatuses) : max_jobs_(max_jobs) {}

  // False: it is here already, or there is no room for it.
  bool accept(const std::string& job_id, std::string identity, TimePoint assigned_by);
  // The identity that was given for it, if it waits for its assignment; it runs now.
  std::optional<std::string> assigned(const std::string& job_id);
  bool known(const std::string& job_id) const { return jobs_.contains(job_id); }
  bool running(const std::string& job_id) const;
  // Every place is taken by a job that goes on.
  bool full() const;
  // No longer waits for an assignment. False: it did not.
  bool release(const std::string& job_id);
  std::vector<std::string> take_expired(TimePoint now);
  // The socket is gone: no assignment of these can come any more.
  std::vector<std::string> take_accepted();
  std::optional<TimePoint> next_expiry() const;

  // What the owner says of a job; one that is unknown (of a supervisor that ran before) is taken up. Nothing follows an end.
  void status(const std::string& job_id, JobStatus status, std::string error);

  // What is to be said, in the order in which it happened. It counts as said before the ping `mark`.
  std::vector<Update> take_untold(std::int64_t mark);
  // The server has read everything up to the ping `mark`.
  void confirmed(std::int64_t mark);
  // A new registration: running jobs, and ends that nobody has confirmed, are to be said.
  void tell_again();

  bool anything_untold() const;
  // Ends that the server may not know.
  std::size_t unconfirmed_ends() const;
  std::size_t dropped() const noexcept { return dropped_; }
  std::size_t size() const noexcept { return jobs_.size(); }

 private:
  enum class Stage { accepted, running, ended };
  struct Job {
    Stage stage = Stage::accepted;
    std::string identity{};     // of accepted ones
    TimePoint assigned_by{};    // likewise
    bool success = false;       // of ended ones
    std::string error{};
    bool untold = false;
    std::int64_t mark = 0;      // said before this ping
    std::uint64_t order = 0;    // of the last change
  };

  void change(Job& job, Stage stage);
  bool make_room();
  std::vector<std::string> take(bool (*which)(const Job&, TimePoint), TimePoint now);

  std::size_t max_jobs_;
  std::map<std::string, Job> jobs_;
  std::uint64_t changes_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace parley::livekit
