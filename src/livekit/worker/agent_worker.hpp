// A worker at a LiveKit server: registers, says whether it has room for a job, takes assignments, tells how jobs end.
//
// The server's socket /agent of protocol version 1 (livekit_agent.proto). Jobs live elsewhere (the supervisor); this knows
// only what the server must be told. A socket that is lost takes no job with it: it is dialled again for ever, with jittered
// backoff, and what could not be told meanwhile is told then.
//
// Thread: the loop's only.
// Bound:  kMaxStatuses of jobs that the server has not been told yet (the oldest ended ones go first, counted), one socket.
// Ending: request_stop() is drain(). close(deadline) tells the server that we are full, sends what is to be told until the
//         server has read it, and says goodbye; its report names what was never told. kill() drops the socket. Jobs are not
//         touched by either.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/close.hpp>
#include <parley/async/scope.hpp>
#include <parley/base/log.hpp>

#include "livekit/api/access_token.hpp"
#include "net/websocket.hpp"

namespace parley::livekit {

enum class JobType : std::uint8_t { room, publisher, participant };

struct JobParticipant {
  std::string sid;
  std::string identity;
  std::string name;
  std::string metadata;
  std::string kind;  // "standard", "sip", ...
  std::map<std::string, std::string> attributes;
};

// A job as the server offers it.
struct JobOffer {
  std::string id;           // AJ_...
  std::string dispatch_id;  // AD_...
  JobType type = JobType::room;
  std::string room_sid;
  std::string room_name;
  std::string room_metadata;
  std::string metadata;     // of the dispatch
  std::string agent_name;
  std::map<std::string, std::string> attributes;  // "lk.simulator.dispatch": a simulated one
  std::optional<JobParticipant> participant;      // of publisher and participant jobs
  bool resuming = false;
};

// One that was accepted and assigned: how to get into the room.
struct JobStart {
  JobOffer job;
  std::string url;    // of the server; the worker's own unless the assignment names another
  std::string token;  // valid for an hour
  std::string participant_identity;
};

enum class JobStatus : std::uint8_t { running, success, failed };

// Whether a job is taken, and who we are in its room.
struct JobReply {
  bool available = false;
  bool terminate = false;  // nobody else is to be asked either
  std::string participant_identity{};  // empty: "agent-" + job id
  std::string participant_name{};
  std::string participant_metadata{};
  std::map<std::string, std::string> participant_attributes{};  // "lk.agent.name" is added
};

// Where jobs live. Called on the loop, must not block and must not destroy the worker.
class JobHost {
 public:
  virtual ~JobHost() = default;
  // At once: a slot is reserved before the answer goes out. The reservation ends by start(), by release(), or by its owner
  // after AgentWorker::kAssignmentWithin.
  virtual JobReply offered(const JobOffer& offer) = 0;
  virtual void start(JobStart job) = 0;
  // It was accepted, and no assignment came, or another worker got it.
  virtual void release(const std::string& job_id) = 0;
  // JobTermination: leave. Unknown ids are left aside.
  virtual void terminate(const std::string& job_id) = 0;

  virtual bool available() const noexcept = 0;  // has a free slot
  virtual double load() const noexcept = 0;     // 0 to 1, of slots and memory
  virtual std::size_t job_count() const noexcept = 0;
};

struct AgentWorkerSettings {
  Credentials credentials;
  JobType type = JobType::room;
  std::string agent_name{};   // empty: dispatched to every new room
  std::string version{};      // of the agent program
  std::string name_space{};   // a registration's `namespace`
  bool can_publish = true;    // allowed_permissions of its jobs
  bool can_subscribe = true;
  bool can_publish_data = true;
  bool can_update_metadata = true;
  bool hidden = false;
};

class AgentWorker {
 public:
  static constexpr Duration kConnectWithin = 10s;
  static constexpr Duration kRegisterWithin = 10s;
  static constexpr Duration kAssignmentWithin = 7500ms;
  static constexpr Duration kStatusEvery = 2500ms;
  static constexpr Duration kPingEvery = 10s;
  static constexpr Duration kSilence = 30s;         // nothing heard, pongs neither: the socket is dead
  static constexpr Duration kFirstBackoff = 300ms;  // doubled, with full jitter, up to
  static constexpr Duration kLongestBackoff = 10s;
  static constexpr Duration kRefusedPause = 30s;    // key or token refused: half of it to all of it
  static constexpr Duration kHealthyAfter = 10s;    // registered for so long: the backoff starts anew
  static constexpr Duration kTokenLife = std::chrono::minutes(10);  // of the one that a socket is opened with
  static constexpr Duration kLastTry = 2s;          // closing without a socket: for one more, if ends are to be told
  static constexpr std::size_t kMaxStatuses = 1024;
  // What the server is told when nothing more can be taken: its own `agents.target_load`, from which on it offers no job. Told as
  // it is, a load of slots would leave three in ten of them empty for ever.
  static constexpr double kFullLoad = 0.7;

  // `sockets` and `host` must outlive it.
  AgentWorker(Scope& parent, net::WebSocketClient& sockets, AgentWorkerSettings settings, JobHost& host, Logger logger);
  ~AgentWorker();

  AgentWorker(const AgentWorker&) = delete;
  AgentWorker& operator=(const AgentWorker&) = delete;

  // Once. Errors are told by trouble() and the log: it is tried for ever.
  void start();

  // To be told to the server, now or when it is there again: running is said on every new registration too, until the end of
  // the job has been told.
  void status(const std::string& job_id, JobStatus status, std::string error = {});
  // Free slots or load have changed: told soon.
  void load_changed();
  // No new jobs from now on (the server is told that we are full); the socket stays for the statuses of those that run.
  void drain();

  bool registered() const noexcept;
  const std::string& worker_id() const noexcept;  // AW_...; empty: not registered
  struct Counters {
    std::uint64_t dials = 0, registrations = 0, offers = 0, accepted = 0, declined = 0, assigned = 0, unassigned = 0,
                  terminations = 0, statuses = 0, statuses_dropped = 0, protocol_errors = 0;
  };
  const Counters& counters() const noexcept;
  // Why there is no registration just now; empty: there is one.
  const std::string& trouble() const noexcept;

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace parley::livekit
