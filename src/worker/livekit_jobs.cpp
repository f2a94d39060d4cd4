#include "worker/livekit_jobs.hpp"

#include <algorithm>
#include <utility>

namespace parley::worker {

using livekit::JobStatus;

LiveKitJobs::LiveKitJobs(Scope& parent, Supervisor& supervisor, net::HttpClient& http, JobReports& reports, Settings settings)
    : loop_(parent.loop()),
      supervisor_(supervisor),
      reports_(reports),
      settings_(std::move(settings)),
      api_(loop_, http, settings_.credentials),
      callers_(parent, supervisor_, api_),
      removals_(parent, "removals", kMaxRemovals),
      scope_(parent, "livekit_jobs") {}

LiveKitJobs::~LiveKitJobs() { supervisor_.set_room_owner(nullptr); }

void LiveKitJobs::start() {
  (void)scope_.spawn("expire", expire());
  supervisor_.set_room_owner(this);
}

// ---- from the server

livekit::JobReply LiveKitJobs::offered(const livekit::JobOffer& offer) {
  const bool known = reservations_.contains(offer.id);
  if (!known) {
    if (auto kept = supervisor_.reserve(); !kept) {
      loop_.logger().debug("job {} is declined: {}", offer.id, kept.error().message());
      return {};
    }
  }
  reservations_[offer.id] = loop_.now() + kReservation;
  reserved_.set();
  if (!known && !offer.participant) callers_.watch(offer.id, offer.room_name);
  return {.available = true, .participant_identity = "agent-" + offer.id};
}

bool LiveKitJobs::take_reservation(const std::string& job_id) {
  if (reservations_.erase(job_id) > 0) return true;
  ++counters_.late;
  return supervisor_.reserve().has_value();
}

void LiveKitJobs::start(livekit::JobStart job) {
  const std::string id = job.job.id;
  const auto failed = [&](const std::string& why) {
    loop_.logger().error("job {} is not begun: {}", id, why);
    reports_.status(id, JobStatus::failed, why);
  };
  if (!take_reservation(id)) return failed("it was assigned too late: no slot is free any more");
  auto room = room_job(std::move(job));
  auto call = room ? supervisor_.join(std::move(*room)) : Result<std::string>(fail(room.error()));
  if (!call) {
    supervisor_.release_reserved();
    return failed(call.error().message());
  }
  reports_.status(id, JobStatus::running, {});
}

Result<ipc::RoomJob> LiveKitJobs::room_job(livekit::JobStart start) const {
  auto& offer = start.job;
  auto identity = start.participant_identity.empty() ? "agent-" + offer.id : std::move(start.participant_identity);
  const livekit::TokenClaims claims{.identity = identity,
                                    .video = {.room = offer.room_name, .room_create = true, .room_admin = true},
                                    .sip = {.admin = false, .call = true},
                                    .valid_for = kApiTokenLife};
  auto api_token = livekit::make_token(settings_.credentials, claims, loop_.clock().wall());
  if (!api_token) return fail(api_token.error());
  return ipc::RoomJob{.job_id = std::move(offer.id),
                      .url = start.url.empty() ? settings_.credentials.url : std::move(start.url),
                      .token = std::move(start.token),
                      .api_token = std::move(*api_token),
                      .room_name = std::move(offer.room_name),
                      .room_sid = std::move(offer.room_sid),
                      .room_metadata = std::move(offer.room_metadata),
                      .metadata = std::move(offer.metadata),
                      .agent_identity = std::move(identity),
                      .agent_name = settings_.agent_name,
                      .participant_identity = offer.participant ? std::move(offer.participant->identity) : std::string(),
                      .attributes = std::move(offer.attributes),
                      .caller_was_there = offer.participant.has_value()};
}

void LiveKitJobs::release(const std::string& job_id) {
  if (reservations_.erase(job_id) > 0) supervisor_.release_reserved();
}

void LiveKitJobs::terminate(const std::string& job_id) {
  release(job_id);
  switch (supervisor_.stop_room_call(job_id, {StopCause::job_terminated, "the LiveKit server took the job back"})) {
    case Supervisor::Termination::begun: loop_.logger().info("job {} is taken back by the server", job_id); break;
    case Supervisor::Termination::rejoining:
      ++counters_.swallowed;
      loop_.logger().info("job {} goes on: it was its connection before that the server ended", job_id);
      break;
    case Supervisor::Termination::unknown: break;
  }
}

Task<void> LiveKitJobs::expire() {
  for (;;) {
    auto next = TimePoint::max();
    for (const auto& [id, until] : reservations_) next = std::min(next, until);
    reserved_.reset();
    if (co_await reserved_.wait(Deadline(next))) continue;
    for (auto it = reservations_.begin(); it != reservations_.end();) {
      if (it->second > loop_.now()) {
        ++it;
        continue;
      }
      loop_.logger().warn("job {} was accepted, and never assigned: its slot is free again", it->first);
      it = reservations_.erase(it);
      ++counters_.expired;
      supervisor_.release_reserved();
    }
  }
}

// ---- from the supervisor

void LiveKitJobs::on_adopted(const RoomCall& call) { reports_.status(call.place.job_id, JobStatus::running, {}); }

void LiveKitJobs::on_ended(const RoomCall& call, const RoomCallEnd& end) {
  const auto cause = end.reason.cause;
  const bool failed = !end.told || cause == StopCause::failure || cause == StopCause::refused;
  auto words = end.reason.detail.empty() ? std::string(to_string(cause)) : end.reason.detail;
  reports_.status(call.place.job_id, failed ? JobStatus::failed : JobStatus::success, failed ? std::move(words) : std::string());
  if (end.told && end.clean) return;  // it has left the room
  if (cause == StopCause::replaced) return;  // whoever has its identity now is another
  begin_removal(call.place, call.place.agent_identity);
  if (call.linked.kind == "sip" && !call.linked.identity.empty()) begin_removal(call.place, call.linked.identity);
}

void LiveKitJobs::begin_removal(const ipc::RoomPlace& place, const std::string& identity) {
  if (identity.empty() || place.room_name.empty()) return;
  if (auto spawned = removals_.spawn("remove " + identity, remove(place, identity)); !spawned) {
    ++counters_.not_removed;
    loop_.logger().with(log_field::kRoom, place.room_name).error("{} is left in the room: {}", identity, spawned.error().message());
  }
}

// Who has gone already need not be removed.
Task<void> LiveKitJobs::remove(ipc::RoomPlace place, std::string identity) {
  const auto logger = loop_.logger().with(log_field::kRoom, place.room_name);
  const auto last = loop_.in(kRemoveWithin);
  Error why{Errc::timeout, "there was no time"};
  auto pause = kRemovePause;
  for (int tries = 0; tries < kRemoveTries && !last.passed(loop_.now()); ++tries) {
    if (tries > 0) co_await sleep_for(std::exchange(pause, 2 * pause));
    auto removed = co_await api_.remove_participant(place.room_name, identity, last.within(loop_.in(kOneRemoval)));
    if (!removed && removed.error().code() == Errc::not_found) co_return;
    if (removed) {
      ++counters_.removed;
      logger.info("{} was removed from the room: the job had not seen to it", identity);
      co_return;
    }
    why = removed.error();
    if (why.code() == Errc::refused || why.code() == Errc::invalid_argument) break;
  }
  ++counters_.not_removed;
  logger.error("{} is left in the room: {}", identity, why.message());
}

Task<CloseReport> LiveKitJobs::close(Deadline deadline) {
  (void)co_await removals_.wait_idle(deadline);
  co_return co_await removals_.close(deadline);
}

}  // namespace parley::worker
