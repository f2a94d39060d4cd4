// The caller's audio, and how the call in a room ends.
#include <algorithm>

#include <parley/async/within.hpp>

#include "livekit/agent/room_transport.hpp"

namespace parley::livekit {

// ---- audio

void RoomTransport::find_audio() {
  const auto before = std::exchange(audio_, room_.audio_of(link_.identity()));
  if (!audio_ || (before && before->sid() == audio_->sid())) return;
  if (const auto* who = caller(); who && !heard_caller_) {
    const auto track = who->tracks.find(audio_->sid());
    const bool kept = track != who->tracks.end() && track->second.preconnect_buffer;
    if (kept) preconnect_until_ = loop_.now() + PreconnectAudio::kWithin;
  }
  if (!std::exchange(heard_caller_, true)) emit({.type = TransportEvent::Type::caller_joined, .reason = {}});
}

bool RoomTransport::waits_for_preconnect(TimePoint now) const noexcept { return preconnect_until_ && now < *preconnect_until_; }

// What was said before goes before what is said now.
void RoomTransport::take_preconnect(TimePoint now) {
  if (!preconnect_until_) return;
  if (auto before = preconnect_.take(audio_->sid(), now)) {
    backlog_.insert(backlog_.begin(), before->begin(), before->end());
    preconnect_until_.reset();
  } else if (!waits_for_preconnect(now)) {
    logger_.info("what the caller said before did not come within {:.0f} s", to_seconds(PreconnectAudio::kWithin));
    preconnect_until_.reset();
  }
}

std::optional<AudioFrame> RoomTransport::receive(TimePoint now) {
  if (!audio_ || ended_.is_set() || stopping_) return std::nullopt;
  auto live = audio_->receive(now);
  take_preconnect(now);
  const bool waits = waits_for_preconnect(now);
  if (backlog_.empty() && !waits) return live;
  const auto room = samples_in(kMaxBacklog, kTransportRate) - std::min(backlog_.size(), samples_in(kMaxBacklog, kTransportRate));
  if (live) backlog_.insert(backlog_.end(), live->samples.begin(), live->samples.begin() + static_cast<std::ptrdiff_t>(std::min(room, live->samples.size())));
  if (waits || backlog_.empty()) return std::nullopt;
  const auto taken = backlog_.begin() + static_cast<std::ptrdiff_t>(std::min(backlog_.size(), kCatchUp * kTransportFrameSamples));
  AudioFrame frame{.samples = {backlog_.begin(), taken}};
  backlog_.erase(backlog_.begin(), taken);
  if (backlog_.empty()) backlog_.shrink_to_fit();
  return frame;
}

bool RoomTransport::can_deliver() const noexcept {
  auto* const microphone = room_.microphone();
  if (!joined_ || interrupted_ || stopping_ || ended_.is_set() || !link_.linked() || !microphone || !microphone->can_deliver()) return false;
  return impatient_ || microphone->subscribed().is_set();
}

void RoomTransport::send(const AudioFrame& frame, TimePoint now) {
  if (can_deliver()) room_.microphone()->send(frame, now);
}

// ---- telephones

Task<Result<void>> RoomTransport::transfer(std::string to, Deadline deadline) {
  if (!link_.is_telephone() || !server_) co_return co_await Transport::transfer(std::move(to), deadline);
  auto passed = co_await server_->transfer(link_.identity(), std::move(to), deadline);
  if (passed) {
    caller_left_ = true;  // the telephone network has the caller now, and the server hangs up our end of it
    if (news_.linked) news_.linked({}, ParticipantKind::unknown);
  }
  co_return passed;
}

Task<Result<void>> RoomTransport::send_dtmf(std::string keys, Deadline deadline) {
  if (!link_.is_telephone()) co_return co_await Transport::send_dtmf(std::move(keys), deadline);
  std::vector<std::string> to{link_.identity()};
  co_return co_await room_.send_dtmf(std::move(keys), std::move(to), deadline);
}

// ---- endings

void RoomTransport::set_endings(bool close_on_disconnect, bool delete_on_close) noexcept {
  call_.close_on_disconnect = close_on_disconnect;
  call_.delete_on_close = delete_on_close;
}

void RoomTransport::request_stop(StopReason reason) noexcept {
  stopping_ = true;
  scope_.request_stop(std::move(reason));
}

Task<CloseReport> RoomTransport::close(Deadline deadline) {
  return close_.run(deadline, [this](Deadline d) { return close_body(d); });
}

void RoomTransport::conclude(ClosedItem& item, const Result<void>& done, Duration took) {
  const bool gone = !done && done.error().code() == Errc::not_found;  // which is what was wanted
  item.outcome = done || gone ? CloseOutcome::closed : CloseOutcome::failed;
  item.detail = done || gone ? "" : done.error().message();
  item.took = took;
}

Task<void> RoomTransport::hang_up(std::string identity, Deadline deadline, ClosedItem& item) {
  const auto began = loop_.now();
  const auto removed = co_await within(deadline, server_->remove_participant(std::move(identity), deadline));
  conclude(item, removed, loop_.now() - began);
}

Task<void> RoomTransport::delete_room(Deadline deadline, ClosedItem& item) {
  const auto began = loop_.now();
  const auto deleted = co_await within(deadline, server_->delete_room(deadline));
  conclude(item, deleted, loop_.now() - began);
}

Task<CloseReport> RoomTransport::close_body(Deadline deadline) {
  // One that left by itself is gone; another agent that took our place has it now. A room that is over may have come anew under
  // its name, for others.
  const bool replaced = end_reason_.cause == StopCause::replaced;
  const bool over = end_reason_.cause == StopCause::room_closed || recreated();
  const bool telephone = server_ && link_.is_telephone() && !caller_left_ && !replaced;
  const bool deletes = joined_ && server_ && call_.delete_on_close && !replaced && !over;
  request_stop({StopCause::owner_closed, {}});
  CloseReport report;
  ClosedItem hung_up{.name = "hang-up", .outcome = CloseOutcome::failed, .took = {}, .detail = "the server has not answered"};
  ClosedItem deleted{.name = "room deletion", .outcome = CloseOutcome::failed, .took = {}, .detail = "the server has not answered"};
  Scope beside(parent_, "goodbyes", 2);
  if (telephone) (void)beside.spawn("hang-up", hang_up(link_.identity(), deadline, hung_up));
  if (deletes) (void)beside.spawn("room deletion", delete_room(deadline, deleted));
  report.add("room", co_await room_.close(deadline));
  (void)co_await beside.wait_idle(deadline);
  beside.kill();
  for (auto* item : {telephone ? &hung_up : nullptr, deletes ? &deleted : nullptr}) {
    if (!item) continue;
    if (item->outcome == CloseOutcome::failed) logger_.error("{}: {}", item->name, item->detail);
    report.add(std::move(*item));
  }
  if (joining_) (void)co_await joining_->wait(deadline.within(loop_.in(kJoinStops)));
  report.add("tasks", co_await scope_.close(deadline));
  events_.close();
  co_return report;
}

void RoomTransport::kill() noexcept {
  request_stop({StopCause::owner_closed, {}});
  scope_.kill();
  room_.kill();
  events_.close();
}

}  // namespace parley::livekit
