// Who is subscribed to what.
#include <algorithm>
#include <utility>

#include "livekit/room/room_state.hpp"

namespace parley::livekit {

namespace {

using Type = RoomEvent::Type;

}  // namespace

void Room::State::absorb(Roster::Events news) {
  for (auto& event : news) {
    react(event);
    const bool of_ours = event.type == Type::permission_changed && event.identity == own_identity();
    emit(std::move(event));
    if (of_ours) follow_permission();
  }
}

void Room::State::react(const RoomEvent& event) {
  switch (event.type) {
    case Type::track_published: {
      const auto found = roster.find_track(event.track_sid);
      if (found.track == nullptr || found.track->kind != TrackKind::audio) return;
      const auto wish = wishes.find({event.identity, found.track->source});
      if (wish == wishes.end() ? settings.subscribe_to_audio : wish->second) want(event.track_sid);
      return;
    }
    case Type::track_unpublished: {
      const auto found = subscriptions.find(event.track_sid);
      if (found == subscriptions.end()) return;
      subscriptions.erase(found);
      if (link && link->audios.remove(event.track_sid)) {
        emit({.type = Type::track_unsubscribed, .identity = event.identity, .track_sid = event.track_sid});
      }
      return;
    }
    case Type::participant_left: return messages.participant_left(event.identity);
    default: return;
  }
}

// Our permission to publish is gone, or back: the section sends nothing meanwhile, and the track is published again.
void Room::State::follow_permission() {
  if (!microphone || !link || state == RoomState::closed) return;
  using Sending = Link::Sending;
  const bool may = roster.local().permission.can_publish;
  const bool published = !microphone->sid().empty();
  if (may == published) return;
  if (!may) {
    const auto sid = microphone->sid();
    microphone->unpublished();
    absorb(roster.local_track_unpublished(sid));
  }
  if (link->sending == Sending::active) {
    link->sending = Sending::stopping;
    (void)link->pc.set_sending(microphone->mid(), false);
  } else if (may && link->sending == Sending::stopped) {
    link->sending = Sending::active;
    proto::SignalRequest request;
    *request.mutable_add_track() = microphone->add_track_request();
    (void)tell(std::move(request));
    (void)link->pc.set_sending(microphone->mid(), true);
  } else {
    return;
  }
  link->negotiation.want();
  link->wake.set();
}

void Room::State::subscribe(const std::string& track_sid, bool wanted) {
  const auto found = roster.find_track(track_sid);
  if (found.track == nullptr || found.track->kind != TrackKind::audio) return;
  if (wishes.size() < kMaxParticipants) wishes[{found.participant->identity, found.track->source}] = wanted;
  if (wanted) {
    want(track_sid);
  } else {
    unwant(track_sid);
  }
}

void Room::State::want(const std::string& track_sid) {
  if (subscriptions.contains(track_sid)) return;
  const auto found = roster.find_track(track_sid);
  if (found.track == nullptr) return;
  const auto& identity = found.participant->identity;
  if (subscriptions.size() >= kMaxSubscriptions) {
    logger.warn("{} tracks are subscribed to: the one of {} is left aside", kMaxSubscriptions, identity);
    return emit({.type = Type::track_subscription_failed,
                 .identity = identity,
                 .track_sid = track_sid,
                 .detail = "too many subscriptions"});
  }
  const auto ssrc = microphone ? microphone->ssrc() : receiver_ssrc;
  auto audio = RemoteAudio::create(loop, track_sid, identity, found.track->source, ssrc);
  if (!audio) {
    return emit({.type = Type::track_subscription_failed,
                 .identity = identity,
                 .track_sid = track_sid,
                 .detail = audio.error().message()});
  }
  subscriptions.emplace(track_sid, Subscription{identity, found.track->source, std::move(*audio)});
  tell_subscriptions(true, {track_sid});
}

void Room::State::unwant(const std::string& track_sid) {
  const auto found = subscriptions.find(track_sid);
  if (found == subscriptions.end()) return;
  const auto identity = found->second.identity;
  subscriptions.erase(found);
  tell_subscriptions(false, {track_sid});
  if (link && link->audios.remove(track_sid))
    emit({.type = Type::track_unsubscribed, .identity = identity, .track_sid = track_sid});
}

void Room::State::tell_subscriptions(bool wanted, const std::vector<std::string>& sids) {
  if (sids.empty()) return;
  proto::SignalRequest request;
  request.mutable_subscription()->set_subscribe(wanted);
  for (const auto& sid : sids) request.mutable_subscription()->add_track_sids(sid);
  (void)tell(std::move(request));
}

void Room::State::tracks_answered(Link& own, const proto::SessionDescription& answer) {
  const auto changes = own.audios.apply(tracks_by_mid(answer), [this](const std::string& sid) {
    const auto found = subscriptions.find(sid);
    return found == subscriptions.end() ? nullptr : found->second.audio;
  });
  const auto told = [this](Type type, const std::vector<RemoteAudios::Track>& tracks) {
    for (const auto& track : tracks) emit({.type = type, .identity = track->identity(), .track_sid = track->sid()});
  };
  told(Type::track_unsubscribed, changes.silent);
  told(Type::track_subscribed, changes.heard);
}

std::shared_ptr<RemoteAudioTrack> Room::State::audio_of(std::string_view identity) const {
  std::shared_ptr<RemoteAudio> any;
  for (const auto& [sid, subscription] : subscriptions) {
    if (subscription.identity != identity || subscription.audio->mid().empty()) continue;
    if (!any || subscription.source == TrackSource::microphone) any = subscription.audio;
  }
  return any;
}

}  // namespace parley::livekit
