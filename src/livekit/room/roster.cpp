#include "livekit/room/roster.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace parley::livekit {

namespace {

using Type = RoomEvent::Type;

ParticipantKind to_kind(int wire) noexcept {
  switch (wire) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 7:
    case 8: return static_cast<ParticipantKind>(wire);
    default: return ParticipantKind::unknown;
  }
}

TrackSource to_source(int wire) noexcept {
  return wire >= 0 && wire <= 4 ? static_cast<TrackSource>(wire) : TrackSource::unknown;
}

ParticipantState to_state(int wire) noexcept {
  return wire >= 0 && wire <= 3 ? static_cast<ParticipantState>(wire) : ParticipantState::joining;
}

ParticipantPermission to_permission(const proto::ParticipantPermission& wire) {
  ParticipantPermission permission{.can_publish = wire.can_publish(),
                                   .can_subscribe = wire.can_subscribe(),
                                   .can_publish_data = wire.can_publish_data(),
                                   .can_update_metadata = wire.can_update_metadata(),
                                   .hidden = wire.hidden(),
                                   .can_publish_sources = {}};
  constexpr int kSources = 8;
  for (const auto source : wire.can_publish_sources()) {
    if (permission.can_publish_sources.size() < kSources) permission.can_publish_sources.push_back(to_source(source));
  }
  return permission;
}

// Sets what is said in words and gives the names of the attributes that changed; true if anything did.
bool set_words(Participant& participant, const proto::ParticipantInfo& info, std::vector<std::string>& changed) {
  bool any = std::exchange(participant.name, info.name()) != info.name();
  any = std::exchange(participant.metadata, info.metadata()) != info.metadata() || any;
  std::map<std::string, std::string> attributes(info.attributes().begin(), info.attributes().end());
  for (const auto& [name, value] : attributes) {
    const auto before = participant.attributes.find(name);
    if (before == participant.attributes.end() || before->second != value) changed.push_back(name);
  }
  for (const auto& [name, value] : participant.attributes) {
    if (!attributes.contains(name)) changed.push_back(name);
  }
  participant.attributes = std::move(attributes);
  return any || !changed.empty();
}

void set_fixed(Participant& participant, const proto::ParticipantInfo& info) {
  participant.sid = info.sid();
  participant.identity = info.identity();
  participant.kind = to_kind(info.kind());
  participant.state = to_state(info.state());
  if (info.has_permission()) participant.permission = to_permission(info.permission());
}

}  // namespace

DisconnectReason to_reason(int wire) noexcept {
  return wire >= 0 && wire <= 16 ? static_cast<DisconnectReason>(wire) : DisconnectReason::unknown;
}

TrackInfo to_track(const proto::TrackInfo& info) {
  TrackInfo track{.sid = info.sid(),
                  .name = info.name(),
                  .mime_type = info.mime_type(),
                  .stream = info.stream(),
                  .kind = info.type() == proto::AUDIO   ? TrackKind::audio
                          : info.type() == proto::VIDEO ? TrackKind::video
                                                        : TrackKind::data,
                  .source = to_source(info.source()),
                  .muted = info.muted()};
  track.preconnect_buffer =
      std::ranges::find(info.audio_features(), proto::TF_PRECONNECT_BUFFER) != info.audio_features().end();
  return track;
}

Roster::Events Roster::joined(const proto::Room& room, const proto::ParticipantInfo& self, const Infos& others) {
  Events events;
  resumed_ = false;
  set_room(room);
  set_self(self);
  std::set<std::string_view> present;
  for (const auto& info : others) present.insert(info.identity());
  keep_only(present, events);
  for (const auto& info : others) update_other(info, events);
  return events;
}

Roster::Events Roster::moved(const proto::Room& room, const proto::ParticipantInfo& self, const Infos& others) {
  Events events;
  resumed_ = false;
  keep_only({}, events);
  set_room(room);
  set_self(self);
  events.push_back({.type = Type::room_moved, .identity = local_.participant.identity});
  for (const auto& info : others) update_other(info, events);
  return events;
}

void Roster::set_room(const proto::Room& room) {
  room_ = {.sid = room.sid().substr(0, kMaxSidBytes),
           .name = room.name(),
           .metadata = room.metadata(),
           .participants = room.num_participants(),
           .recording = room.active_recording()};
}

void Roster::set_self(const proto::ParticipantInfo& self) {
  local_ = {};
  set_fixed(local_.participant, self);
  std::vector<std::string> changed;
  set_words(local_.participant, self, changed);
  local_.version = self.version();
}

Roster::Events Roster::updated(const proto::ParticipantUpdate& update) {
  Events events;
  const auto ours = [this](const proto::ParticipantInfo& info) {
    return info.identity() == local_.participant.identity;
  };
  const bool complete = resumed_ && std::ranges::any_of(update.participants(), ours);
  if (complete) {
    resumed_ = false;
    std::set<std::string_view> present;
    for (const auto& info : update.participants()) present.insert(info.identity());
    keep_only(present, events);
  }
  for (const auto& info : update.participants()) {
    if (ours(info)) {
      update_self(info, events);
    } else {
      update_other(info, events);
    }
  }
  return events;
}

void Roster::update_self(const proto::ParticipantInfo& info, Events& events) {
  auto& self = local_.participant;
  if (info.sid() != self.sid || info.version() < local_.version || info.state() == proto::ParticipantInfo::DISCONNECTED)
    return;
  local_.version = info.version();
  const auto before = self.permission;
  set_fixed(self, info);
  if (self.permission != before) events.push_back({.type = Type::permission_changed, .identity = self.identity});
  RoomEvent told{.type = Type::participant_updated, .identity = self.identity};
  if (set_words(self, info, told.changed)) events.push_back(std::move(told));
}

bool Roster::acceptable(const proto::ParticipantInfo& info, std::size_t bytes_now) {
  const bool named = !info.identity().empty() && info.identity().size() <= kMaxIdentityBytes && !info.sid().empty() &&
                     info.sid().size() <= kMaxSidBytes;
  if (named && bytes_ - bytes_now + info.ByteSizeLong() <= kMaxBytes) return true;
  ++left_aside_;
  return false;
}

void Roster::update_other(const proto::ParticipantInfo& info, Events& events) {
  auto known = others_.find(info.identity());
  if (info.state() == proto::ParticipantInfo::DISCONNECTED) {
    const bool same = known != others_.end() && known->second.participant.sid == info.sid();
    if (same) leave(known, to_reason(info.disconnect_reason()), events);
    return;
  }
  if (!acceptable(info, known != others_.end() ? known->second.bytes : 0)) return;
  if (known == others_.end()) return add(info, events);
  if (known->second.participant.sid != info.sid()) {
    leave(known, DisconnectReason::duplicate_identity, events);
    return add(info, events);
  }
  auto& entry = known->second;
  if (info.version() < entry.version) return;
  entry.version = info.version();
  bytes_ -= std::exchange(entry.bytes, info.ByteSizeLong());
  bytes_ += entry.bytes;
  auto& participant = entry.participant;
  const auto state = participant.state;
  const auto permission = participant.permission;
  set_fixed(participant, info);
  if (participant.permission != permission)
    events.push_back({.type = Type::permission_changed, .identity = participant.identity});
  RoomEvent told{.type = Type::participant_updated, .identity = participant.identity};
  const bool words = set_words(participant, info, told.changed);
  if (words || participant.state != state) events.push_back(std::move(told));
  set_tracks(participant, info, events);
}

void Roster::add(const proto::ParticipantInfo& info, Events& events) {
  if (others_.size() >= Room::kMaxParticipants) {
    ++left_aside_;
    return;
  }
  auto& entry = others_[info.identity()];
  entry.version = info.version();
  entry.bytes = info.ByteSizeLong();
  bytes_ += entry.bytes;
  set_fixed(entry.participant, info);
  std::vector<std::string> changed;
  set_words(entry.participant, info, changed);
  events.push_back({.type = Type::participant_joined, .identity = info.identity()});
  set_tracks(entry.participant, info, events);
}

void Roster::set_tracks(Participant& participant, const proto::ParticipantInfo& info, Events& events) {
  const auto tell = [&](Type type, const std::string& sid) {
    events.push_back({.type = type, .identity = participant.identity, .track_sid = sid});
  };
  std::set<std::string_view> present;
  for (const auto& wire : info.tracks()) present.insert(wire.sid());
  std::erase_if(participant.tracks, [&](const auto& item) {
    if (present.contains(item.first)) return false;
    tell(Type::track_unpublished, item.first);
    return true;
  });
  for (const auto& wire : info.tracks()) {
    const auto known = participant.tracks.find(wire.sid());
    if (known != participant.tracks.end()) {
      const bool was_muted = known->second.muted;
      known->second = to_track(wire);
      if (was_muted != wire.muted()) tell(wire.muted() ? Type::track_muted : Type::track_unmuted, wire.sid());
    } else if (participant.tracks.size() >= Room::kMaxTracks || wire.sid().empty() ||
               wire.sid().size() > kMaxSidBytes) {
      ++left_aside_;
    } else {
      participant.tracks.emplace(wire.sid(), to_track(wire));
      tell(Type::track_published, wire.sid());
    }
  }
}

void Roster::leave(Others::iterator entry, DisconnectReason reason, Events& events) {
  const auto identity = entry->first;
  for (const auto& [sid, track] : entry->second.participant.tracks) {
    events.push_back({.type = Type::track_unpublished, .identity = identity, .track_sid = sid});
  }
  bytes_ -= entry->second.bytes;
  others_.erase(entry);
  events.push_back({.type = Type::participant_left, .identity = identity, .reason = reason});
}

void Roster::keep_only(const std::set<std::string_view>& identities, Events& events) {
  for (auto entry = others_.begin(); entry != others_.end();) {
    const auto present = entry++;
    if (!identities.contains(present->first)) leave(present, DisconnectReason::unknown, events);
  }
}

Roster::Events Roster::room_updated(const proto::Room& room) {
  const auto before = room_;
  set_room(room);
  room_.sid = before.sid;  // the room that we joined
  const bool told = before.metadata != room_.metadata || before.recording != room_.recording;
  if (!told) return {};
  return {RoomEvent{.type = Type::room_updated}};
}

Participant* Roster::by_sid(std::string_view sid) noexcept {
  if (sid == local_.participant.sid) return &local_.participant;
  const auto found =
      std::ranges::find_if(others_, [&](const auto& item) { return item.second.participant.sid == sid; });
  return found == others_.end() ? nullptr : &found->second.participant;
}

Roster::Events Roster::speakers_changed(const proto::SpeakersChanged& change) {
  bool any = false;
  int looked_at = 0;
  for (const auto& speaker : change.speakers()) {
    if (++looked_at > static_cast<int>(Room::kMaxParticipants)) break;
    auto* participant = by_sid(speaker.sid());
    if (participant == nullptr) continue;
    any = any || participant->speaking != speaker.active();
    participant->speaking = speaker.active();
    participant->audio_level = std::isfinite(speaker.level()) ? std::clamp(speaker.level(), 0.0F, 1.0F) : 0.0F;
  }
  if (!any) return {};
  return {RoomEvent{.type = Type::active_speakers}};
}

Roster::Events Roster::quality_changed(const proto::ConnectionQualityUpdate& update) {
  Events events;
  int looked_at = 0;
  for (const auto& info : update.updates()) {
    if (++looked_at > static_cast<int>(Room::kMaxParticipants)) break;
    auto* participant = by_sid(info.participant_sid());
    const int wire = info.quality();
    if (participant == nullptr || wire < 0 || wire > 3) continue;
    const auto quality = static_cast<ConnectionQuality>(wire);
    if (std::exchange(participant->quality, quality) == quality) continue;
    events.push_back({.type = Type::connection_quality, .identity = participant->identity});
  }
  return events;
}

Roster::Events Roster::local_track_published(const proto::TrackInfo& info) {
  auto& self = local_.participant;
  if (info.sid().empty() || info.sid().size() > kMaxSidBytes) return {};
  if (!self.tracks.contains(info.sid()) && self.tracks.size() >= Room::kMaxTracks) {
    ++left_aside_;
    return {};
  }
  self.tracks.insert_or_assign(info.sid(), to_track(info));
  return {RoomEvent{.type = Type::local_track_published, .identity = self.identity, .track_sid = info.sid()}};
}

Roster::Events Roster::local_track_unpublished(const std::string& track_sid) {
  auto& self = local_.participant;
  if (self.tracks.erase(track_sid) == 0) return {};
  return {RoomEvent{.type = Type::track_unpublished, .identity = self.identity, .track_sid = track_sid}};
}

Roster::Events Roster::local_track_muted(const std::string& track_sid, bool muted) {
  auto& self = local_.participant;
  const auto track = self.tracks.find(track_sid);
  if (track == self.tracks.end() || std::exchange(track->second.muted, muted) == muted) return {};
  return {RoomEvent{.type = muted ? Type::local_track_muted : Type::local_track_unmuted,
                    .identity = self.identity,
                    .track_sid = track_sid}};
}

const Participant* Roster::find(std::string_view identity) const noexcept {
  const auto found = others_.find(identity);
  return found == others_.end() ? nullptr : &found->second.participant;
}

std::vector<const Participant*> Roster::all() const {
  std::vector<const Participant*> list;
  list.reserve(others_.size());
  for (const auto& [identity, entry] : others_) list.push_back(&entry.participant);
  return list;
}

Roster::Found Roster::find_track(std::string_view track_sid) const noexcept {
  for (const auto& [identity, entry] : others_) {
    const auto track = entry.participant.tracks.find(track_sid);
    if (track != entry.participant.tracks.end()) return {&entry.participant, &track->second};
  }
  return {};
}

}  // namespace parley::livekit
