// Who is in the room with which tracks, as the server tells it: its messages in, events out.
//
// The server is believed, within bounds: a participant with a new sid under the same identity replaces the one before (a
// full reconnect of theirs is told in no other way), versions that are older than what is known are left aside, and after a
// resume the update that has ourselves in it is the whole room: who is not in it has left meanwhile.
//
// Thread: none; pure.
// Bound:  Room::kMaxParticipants, Room::kMaxTracks of each, kMaxBytes of them all; the rest is left aside and counted.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/repeated_field.h>

#include <parley/base/bytes.hpp>

#include "livekit/room/proto.hpp"
#include "livekit/room/room.hpp"
#include "livekit/room/types.hpp"

namespace parley::livekit {

// Values from the wire in our terms; what we do not know is `unknown`.
DisconnectReason to_reason(int wire) noexcept;
TrackInfo to_track(const proto::TrackInfo& info);

class Roster {
 public:
  static constexpr std::size_t kMaxBytes = 16 * MiB;
  static constexpr std::size_t kMaxIdentityBytes = 1024;
  static constexpr std::size_t kMaxSidBytes = 64;

  using Events = std::vector<RoomEvent>;
  using Infos = google::protobuf::RepeatedPtrField<proto::ParticipantInfo>;

  // A join, the first or after a full reconnect: who was known and is not among them has left.
  Events joined(const proto::Room& room, const proto::ParticipantInfo& self, const Infos& others);
  // Into another room: everybody leaves, room_moved, everybody there joins.
  Events moved(const proto::Room& room, const proto::ParticipantInfo& self, const Infos& others);
  // The next update that has ourselves in it is complete.
  void resumed() noexcept { resumed_ = true; }

  Events updated(const proto::ParticipantUpdate& update);
  Events room_updated(const proto::Room& room);
  Events speakers_changed(const proto::SpeakersChanged& change);
  Events quality_changed(const proto::ConnectionQualityUpdate& update);

  // Ours.
  Events local_track_published(const proto::TrackInfo& track);
  Events local_track_unpublished(const std::string& track_sid);
  Events local_track_muted(const std::string& track_sid, bool muted);

  const RoomInfoView& room() const noexcept { return room_; }
  const Participant& local() const noexcept { return local_.participant; }
  const Participant* find(std::string_view identity) const noexcept;
  std::vector<const Participant*> all() const;
  // Another's track and whose it is; null: unknown.
  struct Found {
    const Participant* participant = nullptr;
    const TrackInfo* track = nullptr;
  };
  Found find_track(std::string_view track_sid) const noexcept;

  std::size_t size() const noexcept { return others_.size(); }
  std::uint64_t left_aside() const noexcept { return left_aside_; }

 private:
  struct Entry {
    Participant participant;
    std::uint32_t version = 0;
    std::size_t bytes = 0;
  };
  using Others = std::map<std::string, Entry, std::less<>>;  // by identity

  void set_room(const proto::Room& room);
  void set_self(const proto::ParticipantInfo& self);
  void update_self(const proto::ParticipantInfo& info, Events& events);
  void update_other(const proto::ParticipantInfo& info, Events& events);
  void add(const proto::ParticipantInfo& info, Events& events);
  void leave(Others::iterator entry, DisconnectReason reason, Events& events);
  void keep_only(const std::set<std::string_view>& identities, Events& events);
  bool acceptable(const proto::ParticipantInfo& info, std::size_t bytes_now);
  void set_tracks(Participant& participant, const proto::ParticipantInfo& info, Events& events);
  Participant* by_sid(std::string_view sid) noexcept;

  RoomInfoView room_;
  Entry local_;
  Others others_;
  std::size_t bytes_ = 0;
  bool resumed_ = false;
  std::uint64_t left_aside_ = 0;
};

}  // namespace parley::livekit
