#include "livekit/worker/job_desk.hpp"

#include <cmath>

namespace parley::livekit {

namespace {
constexpr const char* kAgentNameAttribute = "lk.agent.name";  // by which front ends know an agent
}

JobReply JobDesk::ask(const JobOffer& offer) {
  if (draining_ || table_.known(offer.id) || table_.full()) return {};
  auto reply = host_.offered(offer);
  if (!reply.available) return reply;
  if (reply.participant_identity.empty()) reply.participant_identity = "agent-" + offer.id;
  if (!settings_.agent_name.empty()) reply.participant_attributes.emplace(kAgentNameAttribute, settings_.agent_name);
  return reply;
}

std::string JobDesk::offered(const JobOffer& offer, TimePoint now) {
  ++counters_.offers;
  auto reply = ask(offer);
  if (reply.available) {
    reply.available = table_.accept(offer.id, reply.participant_identity, now + AgentWorker::kAssignmentWithin);
    if (!reply.available) release(offer.id, "there is no room for it any more");
  }
  ++(reply.available ? counters_.accepted : counters_.declined);
  counters_.statuses_dropped = table_.dropped();
  logger_.debug("{} job {} in room {}", reply.available ? "accepted" : "declined", offer.id, offer.room_name);
  return wire::availability(offer.id, reply);
}

std::optional<std::string> JobDesk::assigned(wire::Assignment assignment) {
  const auto id = assignment.job.id;
  if (table_.running(id)) return std::nullopt;  // said twice
  auto identity = table_.assigned(id);
  if (!identity) {
    logger_.warn("job {} was assigned here, and nobody waits for it: the server is told that it failed", id);
    return wire::job_status(id, JobStatus::failed, "its assignment came too late, or to the wrong worker");
  }
  ++counters_.assigned;
  host_.start({.job = std::move(assignment.job),
               .url = assignment.url.empty() ? settings_.credentials.url : std::move(assignment.url),
               .token = std::move(assignment.token),
               .participant_identity = std::move(*identity)});
  return std::nullopt;
}

void JobDesk::terminated(const std::string& job_id) {
  ++counters_.terminations;
  if (table_.release(job_id)) {
    release(job_id, "the server ended it before it began");
  } else {
    host_.terminate(job_id);
  }
}

bool JobDesk::release_expired(TimePoint now) {
  const auto expired = table_.take_expired(now);
  for (const auto& id : expired) release(id, "no assignment came");
  return !expired.empty();
}

void JobDesk::release_all() {
  for (const auto& id : table_.take_accepted()) release(id, "the server was lost before it assigned it");
}

void JobDesk::release(const std::string& job_id, std::string_view why) {
  ++counters_.unassigned;
  logger_.info("job {} was accepted and is not ours: {}", job_id, why);
  host_.release(job_id);
}

wire::WorkerState JobDesk::state(std::uint64_t seq) const {
  const auto load = host_.load();
  return {.available = !draining_ && host_.available(),
          .load = AgentWorker::kFullLoad * (std::isfinite(load) ? load : 1.0),
          .jobs = host_.job_count(),
          .draining = draining_,
          .seq = seq};
}

}  // namespace parley::livekit
