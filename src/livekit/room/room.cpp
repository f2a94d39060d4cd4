#include "livekit/room/room.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "livekit/room/room_state.hpp"

namespace parley::livekit {

using Type = RoomEvent::Type;

// --- the public face

Room::Room(Scope& parent, rtc::Engine& engine, net::WebSocketClient& sockets, RoomSettings settings, Logger logger)
    : state_(std::make_unique<State>(parent, engine, sockets, std::move(settings), std::move(logger))) {}
Room::~Room() = default;

Task<Result<void>> Room::connect(Deadline deadline) { return state_->connect(deadline); }
RoomState Room::state() const noexcept { return state_->state; }
Channel<RoomEvent>& Room::events() noexcept { return state_->events; }
const RoomInfoView& Room::info() const noexcept { return state_->roster.room(); }
const Participant& Room::local() const noexcept { return state_->roster.local(); }
const Participant* Room::participant(std::string_view identity) const noexcept { return state_->roster.find(identity); }
std::vector<const Participant*> Room::participants() const { return state_->roster.all(); }
LocalAudioTrack* Room::microphone() noexcept { return state_->microphone.get(); }
std::shared_ptr<RemoteAudioTrack> Room::audio_of(std::string_view identity) noexcept {
  return state_->audio_of(identity);
}
void Room::subscribe(const std::string& track_sid, bool wanted) { state_->subscribe(track_sid, wanted); }
Messages& Room::messages() noexcept { return state_->messages; }
TimePoint Room::last_heard() const noexcept { return state_->last_heard(); }
const Room::Counters& Room::counters() const noexcept { return state_->counts; }
void Room::drill(Drill what) { state_->drill(what); }
void Room::request_stop(StopReason reason) noexcept { state_->request_stop(std::move(reason)); }
void Room::kill() noexcept { state_->kill(); }

Task<CloseReport> Room::close(Deadline deadline) {
  return state_->close.run(deadline, [state = state_.get()](Deadline d) { return state->close_body(d); });
}

Task<Result<void>> Room::set_attributes(std::map<std::string, std::string> attributes, Deadline deadline) {
  proto::UpdateParticipantMetadata update;
  std::size_t bytes = 0;
  for (const auto& [name, value] : attributes) {
    bytes += name.size() + value.size();
    (*update.mutable_attributes())[name] = value;
  }
  if (bytes > State::kMaxAttributesBytes) {
    co_return fail(Errc::invalid_argument,
                   fmt::format("the attributes are {} bytes long: at most 64 KiB are taken", bytes));
  }
  co_return co_await state_->update_metadata(std::move(update), deadline);
}

Task<Result<void>> Room::set_metadata(std::string metadata, Deadline deadline) {
  if (metadata.size() > State::kMaxMetadataBytes) {
    co_return fail(Errc::invalid_argument,
                   fmt::format("the metadata is {} bytes long: at most 512 KiB are taken", metadata.size()));
  }
  proto::UpdateParticipantMetadata update;
  update.set_metadata(std::move(metadata));
  co_return co_await state_->update_metadata(std::move(update), deadline);
}

Task<Result<void>> Room::set_name(std::string name, Deadline deadline) {
  if (name.empty() || name.size() > Roster::kMaxIdentityBytes) {
    co_return fail(Errc::invalid_argument, "a participant's name has 1 to 1,024 bytes");
  }
  proto::UpdateParticipantMetadata update;
  update.set_name(std::move(name));
  co_return co_await state_->update_metadata(std::move(update), deadline);
}

// --- the life of the room

Room::State::State(Scope& parent, rtc::Engine& the_engine, net::WebSocketClient& the_sockets, RoomSettings the_settings,
                   Logger the_logger)
    : loop(parent.loop()),
      engine(the_engine),
      sockets(the_sockets),
      settings(std::move(the_settings)),
      logger(the_logger.with(log_field::kComponent, "livekit")),
      token(settings.token),
      receiver_ssrc(static_cast<std::uint32_t>(loop.random()() | 1)),
      close(parent, "room"),
      signal_scope(parent, "room signal"),
      scope(parent, "room"),
      messages(scope, *this, logger) {}

Room::State::~State() { kill(); }

Task<Result<void>> Room::State::connect(Deadline deadline) {
  if (state != RoomState::idle) co_return fail(Errc::internal, "a room is connected once");
  if (stopping) co_return fail(Errc::closing, "the room is being left");
  state = RoomState::connecting;
  if (settings.microphone) {
    auto made = LocalAudio::create(loop, *settings.microphone, [this](bool muted) {
      proto::SignalRequest request;
      request.mutable_mute()->set_sid(microphone->sid());
      request.mutable_mute()->set_muted(muted);
      if (!microphone->sid().empty()) (void)tell(std::move(request));
    });
    if (!made) co_return fail(made.error());
    microphone = std::move(*made);
  }
  const auto inner = deadline.is_set() ? Deadline(deadline.at() - kConnectMargin) : deadline;
  if (auto started = scope.spawn("room", run(inner)); !started) co_return fail(started.error());
  const auto in_time = co_await outcome.wait(deadline);
  if (failure) co_return fail(*failure);
  if (!in_time) {
    over(DisconnectReason::join_failure, "not connected in time");
    scope.request_stop({StopCause::failure, "not connected in time"});
    co_return fail(Errc::timeout, "the room was not joined by the deadline");
  }
  if (state == RoomState::closed) co_return fail(Errc::closing, "the room is being left");
  co_return Result<void>();
}

Task<void> Room::State::run(Deadline deadline) {
  const auto joined = co_await first_join(deadline);
  if (state == RoomState::closed) co_return;
  if (!joined) {
    failure = joined.error().error;
    const auto reason = joined.error().trouble.reason;
    over(reason == DisconnectReason::unknown ? DisconnectReason::join_failure : reason, failure->message());
    co_return;
  }
  now_connected();
  emit({.type = Type::connected, .identity = roster.local().identity});
  for (auto& event : std::exchange(before_connected, {})) emit(std::move(event));
  outcome.set();
  for (;;) {
    if (!trouble) (void)co_await changed.wait(Deadline::bounded_by_scope());
    changed.reset();
    if (trouble && !co_await recover()) co_return;
    if (state == RoomState::closed) co_return;
  }
}

void Room::State::now_connected() {
  state = RoomState::connected;
  policy.connected(loop.now());
  data_ready.set();
  for (auto& request : std::exchange(queued, {})) (void)tell(std::move(request));
}

// False: it is over.
Task<bool> Room::State::recover() {
  std::optional<bool> told;
  while (trouble) {
    if (trouble->kind == Trouble::Kind::media_lost && signal) {
      for (const auto until = loop.in(kLeaveGrace); trouble->kind == Trouble::Kind::media_lost;) {
        const auto heard = co_await changed.wait(until);
        if (!heard) break;
        changed.reset();
      }
    }
    const auto now_trouble = *std::exchange(trouble, std::nullopt);
    const bool media_stands = link && link->pc.connected();
    const auto decision = policy.next(now_trouble, media_stands, loop.now(), loop.random());
    if (decision.step == ReconnectPolicy::Step::give_up) {
      over(decision.reason, decision.detail);
      co_return false;
    }
    const bool resuming = decision.step == ReconnectPolicy::Step::resume;
    state = RoomState::reconnecting;
    drop_signal();
    if (!resuming) drop_link();
    if (told != resuming) {
      logger.warn("the room's connection is lost ({}): {}", now_trouble.detail,
                  resuming ? "resuming" : "making a new one");
      emit({.type = Type::reconnecting, .resuming = resuming, .detail = now_trouble.detail});
      told = resuming;
    }
    co_await sleep_for(decision.delay);
    if (trouble && !resuming) trouble.reset();  // of what is dropped already
    if (trouble) continue;
    const auto done = co_await [](State& self, bool resume) -> Task<Attempt<void>> {
      if (resume) co_return co_await self.resume(self.loop.in(kResumeWithin));
      co_return co_await self.join(self.loop.in(kRejoinWithin), true);
    }(*this, resuming);
    if (state == RoomState::closed) co_return false;
    if (!done) {
      note(done.error().trouble);
      continue;
    }
    ++(resuming ? counts.resumes : counts.reconnects);
    now_connected();
    logger.info("the room is connected again ({})", resuming ? "resumed" : "anew");
    emit({.type = Type::reconnected, .identity = roster.local().identity, .resuming = resuming});
    told.reset();
  }
  co_return true;
}

void Room::State::note(Trouble later) {
  if (state == RoomState::closed) return;
  if (!trouble || outweighs(later, *trouble)) trouble = std::move(later);
  changed.set();
}

void Room::State::over(DisconnectReason reason, std::string detail) {
  const auto before = std::exchange(state, RoomState::closed);
  if (before == RoomState::closed) return;
  if (before != RoomState::idle)
    logger.info("the room is left: {}{}{}", to_string(reason), detail.empty() ? "" : ": ", detail);
  data_ready.set();  // who waits learns that it is over
  messages.close();
  for (auto& [id, request] : requests) request->done.set();
  drop_link();
  if (signal) signal->finish();
  before_connected.clear();
  emit({.type = Type::disconnected, .reason = reason, .detail = std::move(detail)});
  events.close();
  outcome.set();
  changed.set();
}

void Room::State::emit(RoomEvent event) {
  const bool last = event.type == Type::disconnected;
  if (state == RoomState::connecting) {
    if (before_connected.size() < kMaxEvents) return before_connected.push_back(std::move(event));
  } else if ((last || events.size() < kMaxEvents) && events.try_push(std::move(event))) {
    return;
  }
  if (counts.events_dropped++ == 0) logger.warn("nobody takes this room's events: they are dropped");
}

void Room::State::request_stop(StopReason reason) noexcept {
  if (std::exchange(stopping, true)) return;
  if (signal && state != RoomState::closed) {
    proto::SignalRequest request;
    request.mutable_leave()->set_reason(proto::CLIENT_INITIATED);
    request.mutable_leave()->set_action(proto::LeaveRequest::DISCONNECT);
    (void)signal->send(request);
  }
  over(DisconnectReason::client_initiated, reason.detail);
  scope.request_stop(std::move(reason));
}

Task<CloseReport> Room::State::close_body(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  CloseReport report;
  if (const auto last = std::exchange(signal, nullptr)) {
    co_await last->close(deadline.within(loop.in(kLeaveWithin)));
    last->kill();
  }
  for (const auto& old : std::exchange(leaving, {})) report.add("room", co_await old->pc.close(deadline));
  report.add("room", co_await scope.close(deadline));
  report.add("room", co_await signal_scope.close(deadline));
  co_return report;
}

void Room::State::kill() noexcept {
  stopping = true;
  over(DisconnectReason::client_initiated, "killed");
  for (const auto& old : std::exchange(leaving, {})) old->pc.kill();
  if (signal) signal->kill();
  scope.kill();
  signal = nullptr;
  signal_scope.kill();
}

}  // namespace parley::livekit
