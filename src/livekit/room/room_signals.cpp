// What the server says on the signal socket, and what we tell it.
#include <utility>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "livekit/room/room_state.hpp"
#include "rtc/description.hpp"

namespace parley::livekit {

namespace {

using Kind = Trouble::Kind;
using Type = RoomEvent::Type;

constexpr std::size_t kMaxCandidateBytes = 4 * KiB;

}  // namespace

Task<void> Room::State::read_signal(SignalPtr own) {
  for (;;) {
    const auto message = co_await own->receive(Deadline::bounded_by_scope());
    if (own != signal || state == RoomState::closed) co_return;
    if (message) {
      ++counts.signal_messages;
      handle(*message);
    } else if (message.error().code() == Errc::invalid_argument) {
      if (counts.protocol_errors++ == 0) logger.warn("{}", message.error().message());
    } else {
      co_return note({.kind = Kind::signal_lost, .detail = message.error().message()});
    }
  }
}

void Room::State::handle(const proto::SignalResponse& message) {
  using Case = proto::SignalResponse::MessageCase;
  switch (message.message_case()) {
    case Case::kAnswer:
      if (!link) return;
      link->answer = message.answer();
      return link->wake.set();
    case Case::kTrickle: return handle_trickle(message.trickle());
    case Case::kUpdate: return absorb(roster.updated(message.update()));
    case Case::kRoomUpdate: return absorb(roster.room_updated(message.room_update().room()));
    case Case::kSpeakersChanged: return absorb(roster.speakers_changed(message.speakers_changed()));
    case Case::kConnectionQuality: return absorb(roster.quality_changed(message.connection_quality()));
    case Case::kTrackPublished: return handle_published(message.track_published());
    case Case::kTrackUnpublished:
      if (microphone && microphone->sid() == message.track_unpublished().track_sid()) microphone->unpublished();
      return absorb(roster.local_track_unpublished(message.track_unpublished().track_sid()));
    case Case::kTrackSubscribed:
      if (!microphone || microphone->sid() != message.track_subscribed().track_sid() ||
          !microphone->heard_by_somebody())
        return;
      return emit({.type = Type::local_track_subscribed, .identity = own_identity(), .track_sid = microphone->sid()});
    case Case::kMute:
      if (microphone && microphone->sid() == message.mute().sid()) (void)microphone->obey_mute(message.mute().muted());
      return absorb(roster.local_track_muted(message.mute().sid(), message.mute().muted()));
    case Case::kLeave: return handle_leave(message.leave());
    case Case::kRefreshToken:
      if (!message.refresh_token().empty()) token = message.refresh_token();
      return;
    case Case::kRequestResponse: return handle_response(message.request_response());
    case Case::kSubscriptionResponse: {
      const auto& sid = message.subscription_response().track_sid();
      const auto found = subscriptions.find(sid);
      if (found == subscriptions.end() || message.subscription_response().err() == proto::SE_UNKNOWN) return;
      const bool gone = message.subscription_response().err() == proto::SE_TRACK_NOTFOUND;
      return emit({.type = Type::track_subscription_failed,
                   .identity = found->second.identity,
                   .track_sid = sid,
                   .detail = gone ? "the track is not there" : "its codec is not Opus"});
    }
    case Case::kSubscriptionPermissionUpdate: {
      const auto& permission = message.subscription_permission_update();
      const auto found = subscriptions.find(permission.track_sid());
      if (found == subscriptions.end()) return;
      if (permission.allowed()) return tell_subscriptions(true, {permission.track_sid()});
      return emit({.type = Type::track_subscription_failed,
                   .identity = found->second.identity,
                   .track_sid = permission.track_sid(),
                   .detail = "its publisher does not permit it"});
    }
    case Case::kMediaSectionsRequirement: {
      if (!link) return;
      for (auto more = link->negotiation.required(message.media_sections_requirement(), link->receivers); more > 0;
           --more) {
        if (link->pc.add_receiver()) ++link->receivers;
      }
      return link->wake.set();
    }
    case Case::kRoomMoved: return handle_moved(message.room_moved());
    case Case::kOffer:
      ++counts.protocol_errors;
      return note({.kind = Kind::refused, .detail = "the LiveKit server is too old: 1.9.2 or later is needed"});
    default: return;  // what we have no use for, and what is newer than we are
  }
}

void Room::State::handle_leave(const proto::LeaveRequest& leave) {
  const auto reason = to_reason(leave.reason());
  Trouble told{.kind = Kind::leave_disconnect,
               .reason = reason,
               .detail = fmt::format("the server said: {}", to_string(reason))};
  if (leave.action() == proto::LeaveRequest::RESUME) told.kind = Kind::leave_resume;
  if (leave.action() == proto::LeaveRequest::RECONNECT) told.kind = Kind::leave_reconnect;
  note(std::move(told));
}

void Room::State::handle_trickle(const proto::TrickleRequest& trickle) {
  if (!link || trickle.target() != proto::PUBLISHER || trickle.candidateinit().size() > kMaxCandidateBytes) return;
  boost::system::error_code ec;
  const auto json = boost::json::parse(trickle.candidateinit(), ec);
  const auto* object = ec ? nullptr : json.if_object();
  const auto* text = object == nullptr ? nullptr : object->if_contains("candidate");
  if (text == nullptr || !text->is_string()) {
    ++counts.protocol_errors;
    return;
  }
  const std::string_view candidate(text->get_string());
  if (candidate.empty()) return;
  link->pc.add_remote_candidate(candidate);
  const auto parsed = rtc::parse_candidate(candidate.starts_with("candidate:") ? candidate.substr(10) : candidate);
  if (parsed && link->server_addresses.size() < kMaxServerAddresses) {
    link->server_addresses.push_back(fmt::format("{}:{}", parsed->address, parsed->port));
  }
}

void Room::State::handle_published(const proto::TrackPublishedResponse& published) {
  if (!microphone || published.cid() != microphone->cid()) return;
  microphone->published(published.track());
  absorb(roster.local_track_published(published.track()));
  if (microphone->muted() == published.track().muted()) return;
  proto::SignalRequest request;  // it was changed while the request was under way
  request.mutable_mute()->set_sid(microphone->sid());
  request.mutable_mute()->set_muted(microphone->muted());
  (void)tell(std::move(request));
}

void Room::State::handle_moved(const proto::RoomMovedResponse& moved) {
  if (!moved.token().empty()) token = moved.token();
  for (const auto& [sid, subscription] : std::exchange(subscriptions, {})) {
    if (link && link->audios.remove(sid)) {
      emit({.type = Type::track_unsubscribed, .identity = subscription.identity, .track_sid = sid});
    }
  }
  const auto ours = roster.local().tracks;
  absorb(roster.moved(moved.room(), moved.participant(), moved.other_participants()));
  for (const auto& info : moved.participant().tracks()) {
    if (microphone && ours.contains(info.sid()) && info.sid() == microphone->sid())
      absorb(roster.local_track_published(info));
  }
}

void Room::State::handle_response(const proto::RequestResponse& response) {
  if (response.has_add_track() && response.reason() != proto::RequestResponse::OK &&
      response.reason() != proto::RequestResponse::QUEUED) {
    const bool forbidden = response.reason() == proto::RequestResponse::NOT_ALLOWED;
    logger.error("our track was not published{}: {}",
                 forbidden ? ", the token does not allow it (canPublish, canPublishSources)" : "",
                 response.message().empty() ? fmt::format("reason {}", static_cast<int>(response.reason()))
                                            : response.message().substr(0, 200));
  }
  const auto found = requests.find(response.request_id());
  if (found == requests.end() || response.reason() == proto::RequestResponse::QUEUED) return;
  found->second->response = response;
  found->second->done.set();
}

// Over the socket, or when there is none, over the next one of this session.
bool Room::State::tell(proto::SignalRequest request) {
  if (state == RoomState::closed) return false;
  if (!signal) {
    if (queued.size() >= kMaxQueuedSignals) return false;
    queued.push_back(std::move(request));
    return true;
  }
  if (request.has_update_metadata()) {
    const auto found = requests.find(request.update_metadata().request_id());
    if (found != requests.end()) found->second->sent = true;
  }
  if (signal->send(request)) return true;
  note({.kind = Kind::signal_lost, .detail = "the server does not take what we tell it"});
  return false;
}

void Room::State::fail_requests() {
  for (auto& [id, request] : requests) {
    if (request->sent) request->done.set();
  }
}

Task<Result<void>> Room::State::update_metadata(proto::UpdateParticipantMetadata update, Deadline deadline) {
  if (state == RoomState::idle || state == RoomState::closed)
    co_return fail(Errc::unavailable, "we are not in the room");
  if (requests.size() >= kMaxRequests)
    co_return fail(Errc::overloaded, "too many updates wait for the server's answer");
  const auto id = ++last_request;
  const auto request = std::make_shared<Request>();
  requests.emplace(id, request);
  const struct Forget {
    State& self;
    std::uint32_t id;
    ~Forget() { self.requests.erase(id); }
  } forget{*this, id};
  update.set_request_id(id);
  proto::SignalRequest message;
  *message.mutable_update_metadata() = std::move(update);
  if (!tell(std::move(message))) co_return fail(Errc::unavailable, "the update could not be sent");
  if (auto answered = co_await request->done.wait(deadline); !answered)
    co_return fail(Errc::timeout, "the server did not answer the update in time");
  if (!request->response)
    co_return fail(Errc::unavailable, "the connection was lost before the server had answered the update");
  const auto& response = *request->response;
  switch (response.reason()) {
    case proto::RequestResponse::OK: co_return Result<void>();
    case proto::RequestResponse::NOT_ALLOWED:
      co_return fail(Errc::refused, "the token does not allow us to update our own metadata (canUpdateOwnMetadata)");
    case proto::RequestResponse::LIMIT_EXCEEDED:
      co_return fail(Errc::invalid_argument, "the server finds the update too long");
    default:
      co_return fail(Errc::refused,
                     fmt::format("the server refused the update ({}): {}", static_cast<int>(response.reason()),
                                 response.message().substr(0, 200)));
  }
}

void Room::State::drill(Drill what) {
  proto::SignalRequest request;
  auto& scenario = *request.mutable_simulate();
  switch (what) {
    case Drill::signal_lost:
      if (state == RoomState::connected) note({.kind = Kind::signal_lost, .detail = "a drill"});
      return;
    case Drill::node_failure: scenario.set_node_failure(true); break;
    case Drill::migration: scenario.set_migration(true); break;
    case Drill::server_leave: scenario.set_server_leave(true); break;
    case Drill::full_reconnect: scenario.set_leave_request_full_reconnect(true); break;
    case Drill::disconnect_signal_on_resume: scenario.set_disconnect_signal_on_resume(true); break;
  }
  (void)tell(std::move(request));
}

}  // namespace parley::livekit
