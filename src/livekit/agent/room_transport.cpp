// Joining, and what happens in the room.
#include "livekit/agent/room_transport.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/async/within.hpp>

namespace parley::livekit {

namespace {

// The caller left in order, or its connection did not last.
StopCause cause_of(DisconnectReason reason) noexcept {
  using enum DisconnectReason;
  switch (reason) {
    case client_initiated:
    case duplicate_identity:
    case participant_removed:
    case user_unavailable:
    case user_rejected: return StopCause::caller_hung_up;
    case room_deleted:
    case room_closed: return StopCause::room_closed;
    default: return StopCause::caller_vanished;
  }
}

// Why we are not in the room any more.
StopReason our_end(DisconnectReason reason, const std::string& detail) {
  using enum DisconnectReason;
  const auto more = detail.empty() ? "" : ": " + detail;
  switch (reason) {
    case room_deleted: return {StopCause::room_closed, "the room was deleted"};
    case room_closed: return {StopCause::room_closed, "the server closed the empty room"};
    case participant_removed: return {StopCause::room_closed, "the agent was removed from the room"};
    case duplicate_identity: return {StopCause::replaced, "another participant took the agent's identity"};
    case server_shutdown: return {StopCause::shutdown, "the LiveKit server is being shut down"};
    case client_initiated: return {StopCause::finished, "the agent left the room"};
    default: return {StopCause::caller_vanished, fmt::format("the connection to the LiveKit server is lost ({}){}", to_string(reason), more)};
  }
}

}  // namespace

std::string_view in_words(DisconnectReason reason) noexcept {
  using enum DisconnectReason;
  switch (reason) {
    case client_initiated: return "hung up";
    case duplicate_identity: return "was replaced by another participant of the same identity";
    case server_shutdown: return "was on a server that is being shut down";
    case participant_removed: return "was removed from the room";
    case room_deleted: return "left because the room was deleted";
    case state_mismatch: return "lost its connection (state mismatch)";
    case join_failure: return "could not join";
    case migration: return "moved to another server and did not arrive";
    case signal_close: return "lost its connection to the server";
    case room_closed: return "left because the room was closed";
    case user_unavailable: return "was not available";
    case user_rejected: return "rejected the call";
    case sip_trunk_failure: return "was lost by the SIP trunk";
    case connection_timeout: return "lost its connection";
    case media_failure: return "lost its audio";
    case agent_error: return "failed";
    case unknown: break;
  }
  return "left";
}

RoomTransport::RoomTransport(Scope& parent, RoomPort& room, RoomServer* server, RoomCall call, RoomNews news, Logger logger)
    : loop_(parent.loop()),
      room_(room),
      server_(server),
      call_(std::move(call)),
      news_(std::move(news)),
      logger_(logger.with(log_field::kComponent, "room")),
      link_(call_.caller_identity, call_.link_to),
      close_(parent, "room"),
      parent_(parent),
      scope_(parent, "room"),
      preconnect_(scope_, room, logger_) {}

RoomTransport::~RoomTransport() { kill(); }

// ---- joining

Task<Result<void>> RoomTransport::join(Deadline deadline) {
  if (stopping_ || joining_) co_return fail(Errc::closing, "the call is over");
  struct Over {
    Event& over;
    ~Over() { over.set(); }
  } over{joining_.emplace()};
  co_return co_await join_in_order(deadline);
}

Task<Result<void>> RoomTransport::join_in_order(Deadline deadline) {
  expected_ = call_.caller_was_there;
  if (auto there = co_await look_before(deadline); !there) co_return there;
  if (stopping_) co_return fail(Errc::closing, "the call is over");
  if (auto watched = scope_.spawn("events", watch()); !watched) co_return watched;
  if (auto connected = co_await room_.connect(deadline); !connected) {
    // An end that the server gave a reason for is the call's; the room's last event has it.
    if (!stopping_) (void)co_await watched_.wait(loop_.in(kLastEvent).within(deadline));
    co_return ended_.is_set() ? Result<void>(fail(Errc::not_found, end_reason_.detail)) : std::move(connected);
  }
  joined_ = true;
  if (recreated()) {
    co_await undo_recreation(deadline);
    co_return fail(Errc::not_found, "the room was over before the agent came, and joining it would have made it anew");
  }
  look_around();
  if (link_.linked()) await_subscriber();
  if (!link_.linked() && !ended_.is_set() && expected_ && call_.close_on_disconnect) (void)co_await linked_.wait(loop_.in(kArrivalGrace).within(deadline));
  if (!linked_.is_set() && expected_ && call_.close_on_disconnect) end({StopCause::caller_hung_up, "the caller left before the agent came"});
  if (ended_.is_set()) co_return fail(Errc::not_found, end_reason_.detail);
  co_return Result<void>{};
}

// Who is there before we are: joining a room that is gone would make it anew.
Task<Result<void>> RoomTransport::look_before(Deadline deadline) {
  if (!server_) co_return Result<void>{};
  const auto by = loop_.in(kLookWithin).within(deadline);
  const auto listed = co_await within(by, server_->list_participants(by));
  if (!listed && listed.error().code() == Errc::not_found) co_return fail(Errc::not_found, "the room was over before the agent came");
  if (!listed) {
    logger_.info("joining without having looked who is there: {}", listed.error().message());
    co_return Result<void>{};
  }
  const bool there = std::ranges::any_of(*listed, [&](const Listed& each) { return link_.suits(each.identity, each.kind, each.on_behalf); });
  if (!there && expected_ && call_.close_on_disconnect) co_return fail(Errc::not_found, "the caller left before the agent came");
  expected_ = expected_ || there;
  co_return Result<void>{};
}

bool RoomTransport::recreated() const {
  const auto& sid = room_.info().sid;
  return !call_.room_sid.empty() && !sid.empty() && sid != call_.room_sid;
}

// Unless somebody has come into it meanwhile, whose room it is now.
Task<void> RoomTransport::undo_recreation(Deadline deadline) {
  const bool others = std::ranges::any_of(room_.participants(), [](const Participant* each) { return each->kind != ParticipantKind::agent; });
  if (others || !server_) co_return;
  const auto by = loop_.in(kUndoWithin).within(deadline);
  const auto deleted = co_await within(by, server_->delete_room(by));
  if (!deleted && deleted.error().code() != Errc::not_found) logger_.warn("an empty room is left behind: {}", deleted.error().message());
}

// ---- what happens in the room

Task<void> RoomTransport::watch() {
  for (;;) {
    const auto event = co_await room_.events().pop(Deadline::bounded_by_scope());
    if (!event) break;
    on_room(*event);
    refresh();
  }
  if (joined_) end({StopCause::caller_vanished, "the connection to the LiveKit server has ended"});
  watched_.set();
}

void RoomTransport::on_room(const RoomEvent& event) {
  using enum RoomEvent::Type;
  const bool of_caller = is_caller(event.identity);
  switch (event.type) {
    case reconnecting:
      if (!event.resuming) rejoining(true);
      break;
    case reconnected:
      if (!interrupted_) break;
      rejoining(false);
      await_subscriber();
      find_audio();
      look_around();
      break;
    case disconnected:
      if (interrupted_) rejoining(false);
      if (!joined_ && event.reason == DisconnectReason::join_failure) break;  // join() says why
      end(our_end(event.reason, event.detail));
      break;
    case connected:
    case room_moved:
    case participant_joined:
    case participant_updated: look_around(); break;
    case participant_left:
      // One that connects anew is told as gone, and is there again.
      if (of_caller && !caller()) caller_gone(event.reason);
      break;
    case track_subscribed:
    case track_unsubscribed:
    case track_unpublished:
      if (of_caller) find_audio();
      break;
    case track_muted:
    case track_unmuted:
      if (of_caller && audio_ && audio_->sid() == event.track_sid) {
        emit({.type = event.type == track_muted ? TransportEvent::Type::caller_muted : TransportEvent::Type::caller_unmuted, .reason = {}});
      }
      break;
    case dtmf:
      if (of_caller) emit({.type = TransportEvent::Type::dtmf, .reason = {}, .digit = event.digit});
      break;
    default: break;  // local tracks: refresh() looks
  }
}

void RoomTransport::look_around() {
  if (ended_.is_set() || recreated()) return;
  for (const auto* participant : room_.participants()) {
    if (link_.linked()) break;
    if (link_.here(*participant)) link_to(*participant);
  }
  if (link_.linked() && !caller()) caller_gone(DisconnectReason::unknown);  // while we were away
}

void RoomTransport::rejoining(bool now) {
  interrupted_ = now;
  if (news_.rejoining) news_.rejoining(now);
}

void RoomTransport::link_to(const Participant& participant) {
  logger_.info("the caller is {} ({})", participant.identity, to_string(participant.kind));
  heard_caller_ = false;
  preconnect_until_.reset();
  await_subscriber();
  find_audio();
  if (news_.linked) news_.linked(link_.identity(), participant.kind);
  linked_.set();
  if (server_) (void)scope_.spawn("newcomer", watch_newcomer(link_.identity()));
}

Task<void> RoomTransport::watch_newcomer(std::string identity) {
  for (int looks = 0; looks < kNewcomerLooks; ++looks) {
    co_await sleep_for(kNewcomerLook);
    const auto still_new = [&] { return is_caller(identity) && !ended_.is_set() && caller() && caller()->tracks.empty(); };
    if (!still_new()) co_return;
    const auto by = loop_.in(kLookWithin);
    const auto listed = co_await within(by, server_->list_participants(by));
    if (!still_new()) co_return;
    const auto lists = [&](const std::string& who) { return listed && std::ranges::find(*listed, who, &Listed::identity) != listed->end(); };
    if (lists(room_.local().identity) && !lists(identity)) {  // without us the room is gone, which we are told
      caller_gone(DisconnectReason::client_initiated);
      co_return refresh();
    }
  }
}

void RoomTransport::caller_gone(DisconnectReason reason) {
  const auto why = fmt::format("the caller {}", in_words(reason));
  caller_left_ = call_.close_on_disconnect;
  if (caller_left_) return end({cause_of(reason), why});
  logger_.info("{}; the agent waits for the next one", why);
  link_.gone();
  if (news_.linked) news_.linked({}, ParticipantKind::unknown);
  audio_.reset();
  backlog_.clear();
  look_around();
}

void RoomTransport::await_subscriber() {
  impatient_ = false;
  (void)scope_.spawn("subscriber", subscriber_patience(++epoch_));
}

Task<void> RoomTransport::subscriber_patience(std::uint64_t epoch) {
  auto* const microphone = room_.microphone();
  if (!microphone) co_return;
  const auto subscribed = co_await microphone->subscribed().wait(loop_.in(kSubscriberWithin));
  if (epoch != epoch_) co_return;
  if (!subscribed) logger_.warn("nobody has subscribed to the agent's audio for {:.0f} s: it speaks all the same", to_seconds(kSubscriberWithin));
  impatient_ = !subscribed;
  refresh();
}

// The room is left at once: nothing can be delivered any more, and nobody's close is waited for.
void RoomTransport::end(StopReason reason) {
  if (ended_.is_set()) return;
  logger_.info("the call in the room is over: {}", reason.detail);
  end_reason_ = reason;
  ended_.set();
  emit({.type = TransportEvent::Type::caller_left, .reason = reason});
  room_.request_stop(std::move(reason));
}

// Tells when what we say begins to reach the caller, or does not any more.
void RoomTransport::refresh() {
  const bool now = can_deliver();
  if (ended_.is_set() || now == delivering_) return;
  delivering_ = now;
  emit({.type = now ? TransportEvent::Type::connected : TransportEvent::Type::interrupted, .reason = {}});
}

void RoomTransport::emit(TransportEvent event) {
  if (!events_.try_push(std::move(event))) logger_.warn("nobody takes this call's transport events: one was dropped");
}

}  // namespace parley::livekit
