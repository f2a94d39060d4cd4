// What a LiveKit room consists of, as plain values. Names and numbers are those of livekit_models.proto.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace parley::livekit {

enum class ParticipantKind : std::uint8_t {
  standard = 0,
  ingress = 1,
  egress = 2,
  sip = 3,
  agent = 4,
  connector = 7,
  bridge = 8,
  unknown = 255
};
std::string_view to_string(ParticipantKind kind) noexcept;  // "standard", "sip", ...

enum class TrackKind : std::uint8_t { audio = 0, video = 1, data = 2 };
enum class TrackSource : std::uint8_t {
  unknown = 0,
  camera = 1,
  microphone = 2,
  screen_share = 3,
  screen_share_audio = 4
};

struct TrackInfo {
  std::string sid;  // TR_...
  std::string name;
  std::string mime_type;  // "audio/opus", "audio/red"
  std::string stream;
  TrackKind kind = TrackKind::audio;
  TrackSource source = TrackSource::unknown;
  bool muted = false;
  bool preconnect_buffer = false;  // TF_PRECONNECT_BUFFER: what was said before we came is sent as a byte stream

  bool operator==(const TrackInfo&) const = default;
};

struct ParticipantPermission {
  bool can_publish = true;
  bool can_subscribe = true;
  bool can_publish_data = true;
  bool can_update_metadata = false;
  bool hidden = false;
  std::vector<TrackSource> can_publish_sources;  // empty: all

  bool operator==(const ParticipantPermission&) const = default;
};

enum class ParticipantState : std::uint8_t { joining = 0, joined = 1, active = 2, disconnected = 3 };
enum class ConnectionQuality : std::uint8_t { poor = 0, good = 1, excellent = 2, lost = 3 };

// livekit_models.proto, DisconnectReason.
enum class DisconnectReason : std::uint8_t {
  unknown = 0,
  client_initiated = 1,
  duplicate_identity = 2,
  server_shutdown = 3,
  participant_removed = 4,
  room_deleted = 5,
  state_mismatch = 6,
  join_failure = 7,
  migration = 8,
  signal_close = 9,
  room_closed = 10,
  user_unavailable = 11,
  user_rejected = 12,
  sip_trunk_failure = 13,
  connection_timeout = 14,
  media_failure = 15,
  agent_error = 16,
};
std::string_view to_string(DisconnectReason reason) noexcept;  // "room_deleted", ...

struct Participant {
  std::string sid;  // PA_...: another one after each full reconnect
  std::string identity;
  std::string name;
  std::string metadata;
  std::map<std::string, std::string> attributes;
  ParticipantKind kind = ParticipantKind::standard;
  ParticipantState state = ParticipantState::joining;
  ParticipantPermission permission;
  DisconnectReason left = DisconnectReason::unknown;  // why, once it has left
  ConnectionQuality quality = ConnectionQuality::excellent;
  bool speaking = false;
  float audio_level = 0;                                 // 0 to 1
  std::map<std::string, TrackInfo, std::less<>> tracks;  // by sid
};

struct RoomInfoView {
  std::string sid;  // RM_...
  std::string name;
  std::string metadata;
  unsigned participants = 0;
  bool recording = false;
};

}  // namespace parley::livekit
