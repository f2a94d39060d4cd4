// Calls in LiveKit rooms: a slot is kept from the offer on, the call begins with the assignment, and its owner is told once
// how it ended.
#include <algorithm>

#include <parley/base/ids.hpp>

#include "worker/supervisor_call.hpp"

namespace parley::worker {

namespace {

RoomCall room_call(const std::string& call_id, const ipc::RoomPlace& place, const ipc::Linked& linked) { return {call_id, place, linked}; }

}  // namespace

void Supervisor::set_room_owner(RoomCallOwner* owner) {
  room_owner_ = owner;
  if (!owner) return;
  for (const auto& [id, call] : calls_) {
    if (call->room && !call->room_ended) owner->on_adopted(room_call(id, *call->room, call->linked));
  }
  for (const auto& [call, end] : std::exchange(unheard_, {})) owner->on_ended(call, end);
}

Result<void> Supervisor::reserve() {
  if (auto may = may_begin(); !may) return may;
  if (!slots_.take(loop_.now())) {
    ++counters_.refused;
    return fail(Errc::overloaded, "all slots are taken");
  }
  ++reserved_;
  load_changed();
  return {};
}

void Supervisor::release_reserved() {
  if (reserved_ == 0) return;
  --reserved_;
  slots_.release();
  gone_.set();
  load_changed();
}

std::size_t Supervisor::room_calls() const noexcept {
  const auto going_on = std::ranges::count_if(calls_, [](const auto& entry) { return entry.second->room && !entry.second->room_ended; });
  return static_cast<std::size_t>(going_on) + reserved_;
}

Result<std::string> Supervisor::join(ipc::RoomJob room) {
  if (cutting_) return fail(Errc::closing, "the worker is being stopped");
  if (reserved_ == 0) return fail(Errc::internal, "no slot was kept for this job");
  auto call = begin_room(std::move(room), kSpawnTries);
  if (!call) return fail(call.error());
  --reserved_;
  (*call)->has_slot = true;
  ++counters_.admitted;
  return (*call)->id();
}

// It has no slot yet.
Result<Supervisor::Call*> Supervisor::begin_room(ipc::RoomJob room, int tries) {
  auto& call = add_call(make_id(loop_.random(), "CA_"), make_id(loop_.random(), "AJ_"));
  call.room = ipc::place_of(room);
  call.asked_at = loop_.now();
  call.attempt.name_room(room.room_name);
  call.attempt.logger().info("begins: job {} of LiveKit", room.job_id);
  const std::string id = call.id();
  auto spawned = calls_scope_.spawn("call " + id, live(call, {.room = std::move(room), .tries = tries}, loop_.in(config_.deadlines.start)));
  if (spawned) return &call;
  --active_;
  calls_.erase(id);
  return fail(spawned.error());
}

// As another call, in the same slot: nobody knows of the first. False: it is not tried again.
bool Supervisor::begin_again(Call& call, Beginning& beginning) {
  if (!beginning.room || beginning.tries <= 1 || cutting_ || call.hung_up) return false;
  auto next = begin_room(std::move(*beginning.room), beginning.tries - 1);
  if (!next) return false;
  (*next)->has_slot = std::exchange(call.has_slot, false);
  return true;
}

Supervisor::Call* Supervisor::find_room(std::string_view job_id) const noexcept {
  const auto it = std::ranges::find_if(calls_, [&](const auto& entry) {
    const auto& call = *entry.second;
    return call.room && call.room->job_id == job_id && !call.room_ended;
  });
  return it == calls_.end() ? nullptr : it->second.get();
}

bool Supervisor::awaits_caller(std::string_view job_id) const noexcept {
  const auto* call = find_room(job_id);
  return call && call->linked.identity.empty();
}

Supervisor::Termination Supervisor::stop_room_call(std::string_view job_id, const StopReason& reason) {
  auto* call = find_room(job_id);
  if (!call) return Termination::unknown;
  const bool just_rejoined = call->rejoined_at && loop_.now() - *call->rejoined_at < kRejoinedGrace;
  if (call->rejoining || just_rejoined) return Termination::rejoining;
  stop_call(*call, reason, true);
  return Termination::begun;
}

// What the job of an earlier supervisor says of itself; our own say nothing that we do not know.
void Supervisor::adopt_room(Call& call, const ipc::RoomPlace& place) {
  if (call.room) return;
  call.room = place;
  call.attempt.name_room(place.room_name);
  if (room_owner_ && !call.room_ended) room_owner_->on_adopted(room_call(call.id(), place, call.linked));
}

void Supervisor::end_room(Call& call) {
  if (!call.room || std::exchange(call.room_ended, true)) return;
  tell_end(room_call(call.id(), *call.room, call.linked), {.reason = call.end->reason, .told = call.end_told, .clean = call.end->clean});
}

// To whoever owns rooms, or will.
void Supervisor::tell_end(RoomCall call, RoomCallEnd end) {
  if (room_owner_) return room_owner_->on_ended(call, end);
  if (unheard_.size() < kMaxKept) unheard_.emplace_back(std::move(call), std::move(end));
}

// A job that this supervisor never heard of: its journal tells which room it was in, and how it ended.
void Supervisor::room_call_over(const std::string& call_id, const CallRecords::State& state) {
  if (const auto* call = find(call_id); call && call->room) return;  // its owner was told
  const char* how = state.crashed ? "its process died while no supervisor was there" : "it ended while no supervisor was there";
  tell_end(room_call(call_id, *state.room, {}),
           {.reason = {state.failed ? StopCause::failure : StopCause::finished, how}, .told = !state.crashed, .clean = !state.crashed});
}

}  // namespace parley::worker
