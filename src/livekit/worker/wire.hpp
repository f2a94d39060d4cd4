// The messages of LiveKit's worker socket (livekit_agent.proto, protocol version 1) as plain values.
//
// Pure: bytes in, values out. Bound: kMaxMessage of bytes, kMaxId of an id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <parley/base/bytes.hpp>

#include "livekit/worker/agent_worker.hpp"

namespace parley::livekit::wire {

inline constexpr std::size_t kMaxMessage = 2 * MiB;
inline constexpr std::size_t kMaxId = 256;

// ---- what the server says ----

struct Registered {
  std::string worker_id;
  std::string server_version;
};
struct Offer {
  JobOffer job;
};
struct Assignment {
  JobOffer job;
  std::string url;  // empty: the worker's own
  std::string token;
};
struct Termination {
  std::string job_id;
};
struct Pong {
  std::int64_t of = 0;  // the timestamp of the ping that it answers
};
// The server is drained: register elsewhere.
struct GoAway {
  std::string reason;
};
// A message of later versions.
struct Unknown {};
using ServerSays = std::variant<Registered, Offer, Assignment, Termination, Pong, GoAway, Unknown>;

// Errc::protocol: no such message, or one without what it must name.
Result<ServerSays> read(std::string_view bytes);

// ---- what the worker says ----

struct WorkerState {
  bool available = false;
  double load = 0;  // 0 to 1
  std::size_t jobs = 0;
  bool draining = false;
  std::uint64_t seq = 0;  // of this registration, from 1 on
};

std::string registration(const AgentWorkerSettings& settings);
std::string availability(const std::string& job_id, const JobReply& reply);
std::string worker_state(const WorkerState& state);
std::string job_status(const std::string& job_id, JobStatus status, const std::string& error);
std::string ping(std::int64_t timestamp);

}  // namespace parley::livekit::wire
