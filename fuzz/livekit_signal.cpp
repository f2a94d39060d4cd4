// What a LiveKit server says on the signal socket, whatever it is: roster, negotiation and trouble stay within their bounds.
//
// Input: messages, each a length of two bytes (little endian) and a serialized SignalResponse.
#include <cstdlib>

#include <parley/base/bytes.hpp>

#include "livekit/room/negotiation.hpp"
#include "livekit/room/roster.hpp"

namespace {

using namespace parley;
using namespace parley::livekit;

void require(bool holds) {
  if (!holds) std::abort();
}

// What the events name is there, or was until now.
void check(const Roster& roster, const Roster::Events& events) {
  for (const auto& event : events) {
    require(event.type == RoomEvent::Type::room_updated || event.type == RoomEvent::Type::active_speakers ||
            event.type == RoomEvent::Type::participant_left || event.type == RoomEvent::Type::track_unpublished ||
            !event.identity.empty() || roster.local().identity.empty());
  }
  require(roster.size() <= Room::kMaxParticipants);
  require(roster.local().tracks.size() <= Room::kMaxTracks);
  for (const auto* participant : roster.all()) {
    require(!participant->identity.empty() && participant->identity.size() <= Roster::kMaxIdentityBytes);
    require(!participant->sid.empty() && participant->sid.size() <= Roster::kMaxSidBytes);
    require(participant->tracks.size() <= Room::kMaxTracks);
    require(participant->audio_level >= 0 && participant->audio_level <= 1);
    for (const auto& [sid, track] : participant->tracks)
      require(sid == track.sid && roster.find_track(sid).track != nullptr);
  }
}

struct World {
  Roster roster;
  Negotiation negotiation;
  unsigned receivers = 2;
  std::size_t offers = 0;
  TimePoint now{};

  Roster::Events say(const proto::SignalResponse& said) {
    switch (said.message_case()) {
      case proto::SignalResponse::kJoin:
        return roster.joined(said.join().room(), said.join().participant(), said.join().other_participants());
      case proto::SignalResponse::kRoomMoved:
        return roster.moved(said.room_moved().room(), said.room_moved().participant(),
                            said.room_moved().other_participants());
      case proto::SignalResponse::kReconnect:
        roster.resumed();
        negotiation.resumed();
        return {};
      case proto::SignalResponse::kUpdate: return roster.updated(said.update());
      case proto::SignalResponse::kRoomUpdate: return roster.room_updated(said.room_update().room());
      case proto::SignalResponse::kSpeakersChanged: return roster.speakers_changed(said.speakers_changed());
      case proto::SignalResponse::kConnectionQuality: return roster.quality_changed(said.connection_quality());
      case proto::SignalResponse::kTrackPublished: return roster.local_track_published(said.track_published().track());
      case proto::SignalResponse::kTrackUnpublished:
        return roster.local_track_unpublished(said.track_unpublished().track_sid());
      case proto::SignalResponse::kMute: return roster.local_track_muted(said.mute().sid(), said.mute().muted());
      case proto::SignalResponse::kMediaSectionsRequirement:
        receivers += negotiation.required(said.media_sections_requirement(), receivers);
        require(receivers <= Negotiation::kMaxReceivers);
        return {};
      case proto::SignalResponse::kAnswer:
        for (const auto& [mid, sid] : tracks_by_mid(said.answer())) require(!mid.empty() && sid.starts_with("TR_"));
        (void)negotiation.answered(said.answer().id());
        return {};
      default: return {};
    }
  }

  void negotiate() {
    const auto act = negotiation.poll(now);
    if (act == Negotiation::Act::offer) require(!negotiation.outstanding());
    if (act == Negotiation::Act::offer || act == Negotiation::Act::repeat) {
      (void)negotiation.offered("sdp", now);
      ++offers;
    }
    (void)negotiation.look_at(now);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  ByteReader in(ByteView(data, size));
  while (const auto length = in.u16_le()) {
    const auto bytes = in.take(std::min<std::size_t>(*length, in.left()));
    proto::SignalResponse said;
    if (!bytes || !said.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()))) continue;
    check(world.roster, world.say(said));
    world.negotiate();
    world.now += 10ms;
  }
  return 0;
}
