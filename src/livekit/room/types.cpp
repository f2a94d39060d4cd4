#include "livekit/room/types.hpp"

namespace parley::livekit {

std::string_view to_string(ParticipantKind kind) noexcept {
  switch (kind) {
    case ParticipantKind::standard: return "standard";
    case ParticipantKind::ingress: return "ingress";
    case ParticipantKind::egress: return "egress";
    case ParticipantKind::sip: return "sip";
    case ParticipantKind::agent: return "agent";
    case ParticipantKind::connector: return "connector";
    case ParticipantKind::bridge: return "bridge";
    case ParticipantKind::unknown: break;
  }
  return "unknown";
}

std::string_view to_string(DisconnectReason reason) noexcept {
  switch (reason) {
    case DisconnectReason::unknown: break;
    case DisconnectReason::client_initiated: return "client_initiated";
    case DisconnectReason::duplicate_identity: return "duplicate_identity";
    case DisconnectReason::server_shutdown: return "server_shutdown";
    case DisconnectReason::participant_removed: return "participant_removed";
    case DisconnectReason::room_deleted: return "room_deleted";
    case DisconnectReason::state_mismatch: return "state_mismatch";
    case DisconnectReason::join_failure: return "join_failure";
    case DisconnectReason::migration: return "migration";
    case DisconnectReason::signal_close: return "signal_close";
    case DisconnectReason::room_closed: return "room_closed";
    case DisconnectReason::user_unavailable: return "user_unavailable";
    case DisconnectReason::user_rejected: return "user_rejected";
    case DisconnectReason::sip_trunk_failure: return "sip_trunk_failure";
    case DisconnectReason::connection_timeout: return "connection_timeout";
    case DisconnectReason::media_failure: return "media_failure";
    case DisconnectReason::agent_error: return "agent_error";
  }
  return "unknown";
}

}  // namespace parley::livekit
