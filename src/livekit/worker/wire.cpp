#include "livekit/worker/wire.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/base/utf8.hpp>

#include "livekit_agent.pb.h"

namespace parley::livekit::wire {

namespace {

Error broken(std::string_view why) { return {Errc::protocol, fmt::format("the LiveKit server sent what is no message of it: {}", why)}; }

bool usable_id(const std::string& id) { return !id.empty() && id.size() <= kMaxId; }

JobType type_of(::livekit::JobType type) {
  switch (type) {
    case ::livekit::JT_PUBLISHER: return JobType::publisher;
    case ::livekit::JT_PARTICIPANT: return JobType::participant;
    default: return JobType::room;
  }
}

std::string kind_of(const ::livekit::ParticipantInfo& participant) {
  const auto& name = ::livekit::ParticipantInfo_Kind_Name(participant.kind());
  std::string kind(name.empty() ? "standard" : name);
  std::ranges::transform(kind, kind.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return kind;
}

template <class Map>
std::map<std::string, std::string> map_of(const Map& entries) {
  std::map<std::string, std::string> map;
  for (const auto& [name, value] : entries) map[name] = value;
  return map;
}

JobParticipant participant_of(const ::livekit::ParticipantInfo& participant) {
  return {.sid = participant.sid(),
          .identity = participant.identity(),
          .name = participant.name(),
          .metadata = participant.metadata(),
          .kind = kind_of(participant),
          .attributes = map_of(participant.attributes())};
}

Result<JobOffer> job_of(const ::livekit::Job& job, bool resuming) {
  if (!usable_id(job.id())) return fail(broken("a job without a usable id"));
  if (job.room().name().empty()) return fail(broken("a job without a room"));
  JobOffer offer{.id = job.id(),
                 .dispatch_id = job.dispatch_id(),
                 .type = type_of(job.type()),
                 .room_sid = job.room().sid(),
                 .room_name = job.room().name(),
                 .room_metadata = job.room().metadata(),
                 .metadata = job.metadata(),
                 .agent_name = job.agent_name(),
                 .attributes = map_of(job.attributes()),
                 .participant = {},
                 .resuming = resuming};
  if (job.has_participant()) offer.participant = participant_of(job.participant());
  return offer;
}

Result<ServerSays> assignment_of(const ::livekit::JobAssignment& assignment) {
  auto job = job_of(assignment.job(), false);
  if (!job) return fail(job.error());
  if (assignment.token().empty() || assignment.token().size() > kMaxTokenBytes) return fail(broken("an assignment without a usable token"));
  return Assignment{.job = std::move(*job), .url = assignment.url(), .token = assignment.token()};
}

std::string bytes_of(const ::livekit::WorkerMessage& message) { return message.SerializeAsString(); }

::livekit::JobType proto_of(JobType type) {
  switch (type) {
    case JobType::publisher: return ::livekit::JT_PUBLISHER;
    case JobType::participant: return ::livekit::JT_PARTICIPANT;
    case JobType::room: break;
  }
  return ::livekit::JT_ROOM;
}

::livekit::JobStatus proto_of(JobStatus status) {
  switch (status) {
    case JobStatus::running: return ::livekit::JS_RUNNING;
    case JobStatus::success: return ::livekit::JS_SUCCESS;
    case JobStatus::failed: break;
  }
  return ::livekit::JS_FAILED;
}

}  // namespace

Result<ServerSays> read(std::string_view bytes) {
  if (bytes.size() > kMaxMessage) return fail(broken(fmt::format("it has {} bytes, and {} is the most", bytes.size(), kMaxMessage)));
  ::livekit::ServerMessage message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return fail(broken("its protobuf is malformed"));
  switch (message.message_case()) {
    case ::livekit::ServerMessage::kRegister:
      return Registered{.worker_id = message.register_().worker_id(), .server_version = message.register_().server_info().version()};
    case ::livekit::ServerMessage::kAvailability: {
      auto job = job_of(message.availability().job(), message.availability().resuming());
      if (!job) return fail(job.error());
      return Offer{std::move(*job)};
    }
    case ::livekit::ServerMessage::kAssignment: return assignment_of(message.assignment());
    case ::livekit::ServerMessage::kTermination:
      if (!usable_id(message.termination().job_id())) return fail(broken("the end of a job without a usable id"));
      return Termination{message.termination().job_id()};
    case ::livekit::ServerMessage::kPong: return Pong{message.pong().last_timestamp()};
    case ::livekit::ServerMessage::kGoAway: return GoAway{message.go_away().reason()};
    case ::livekit::ServerMessage::MESSAGE_NOT_SET: break;
  }
  return Unknown{};
}

std::string registration(const AgentWorkerSettings& settings) {
  ::livekit::WorkerMessage message;
  auto& request = *message.mutable_register_();
  request.set_type(proto_of(settings.type));
  request.set_agent_name(valid_utf8(settings.agent_name));
  request.set_version(valid_utf8(settings.version));
  request.set_ping_interval(static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(AgentWorker::kPingEvery).count()));
  if (!settings.name_space.empty()) request.set_namespace_(valid_utf8(settings.name_space));
  auto& permissions = *request.mutable_allowed_permissions();
  permissions.set_can_publish(settings.can_publish);
  permissions.set_can_subscribe(settings.can_subscribe);
  permissions.set_can_publish_data(settings.can_publish_data);
  permissions.set_can_update_metadata(settings.can_update_metadata);
  permissions.set_hidden(settings.hidden);
  return bytes_of(message);
}

std::string availability(const std::string& job_id, const JobReply& reply) {
  ::livekit::WorkerMessage message;
  auto& answer = *message.mutable_availability();
  answer.set_job_id(job_id);
  answer.set_available(reply.available);
  answer.set_terminate(reply.terminate);
  if (!reply.available) return bytes_of(message);
  answer.set_participant_identity(valid_utf8(reply.participant_identity));
  answer.set_participant_name(valid_utf8(reply.participant_name));
  answer.set_participant_metadata(valid_utf8(reply.participant_metadata));
  auto& attributes = *answer.mutable_participant_attributes();
  for (const auto& [name, value] : reply.participant_attributes) attributes[valid_utf8(name)] = valid_utf8(value);
  return bytes_of(message);
}

std::string worker_state(const WorkerState& state) {
  ::livekit::WorkerMessage message;
  auto& update = *message.mutable_update_worker();
  update.set_status(state.available ? ::livekit::WS_AVAILABLE : ::livekit::WS_FULL);
  update.set_load(static_cast<float>(state.load >= 0 ? std::min(state.load, 1.0) : 0.0));
  update.set_job_count(static_cast<std::uint32_t>(state.jobs));
  update.set_draining(state.draining);
  update.set_seq(state.seq);
  return bytes_of(message);
}

std::string job_status(const std::string& job_id, JobStatus status, const std::string& error) {
  ::livekit::WorkerMessage message;
  auto& update = *message.mutable_update_job();
  update.set_job_id(job_id);
  update.set_status(proto_of(status));
  update.set_error(valid_utf8(error));
  return bytes_of(message);
}

std::string ping(std::int64_t timestamp) {
  ::livekit::WorkerMessage message;
  message.mutable_ping()->set_timestamp(timestamp);
  return bytes_of(message);
}

}  // namespace parley::livekit::wire
