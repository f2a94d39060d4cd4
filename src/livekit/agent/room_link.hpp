// Whom of those in a room the agent talks to: the one that its job names, or the first of a kind that it may talk to. Never an
// agent, and nobody who speaks on behalf of one (an avatar).
//
// Pure: participants in, decisions out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "livekit/room/types.hpp"

namespace parley::livekit {

inline constexpr std::string_view kPublishOnBehalf = "lk.publish_on_behalf";

// "sip", "SIP"; unknown: no such kind.
ParticipantKind participant_kind(std::string_view name) noexcept;

class RoomLink {
 public:
  // `identity`: the one the job is about; empty: `kinds` decide.
  RoomLink(std::string identity, std::vector<ParticipantKind> kinds) : wanted_(std::move(identity)), kinds_(std::move(kinds)) {}

  // Could be the caller.
  bool suits(std::string_view identity, ParticipantKind kind, bool on_behalf) const noexcept;

  // Somebody is there, or has changed. True: the agent is linked to this one from now on.
  bool here(const Participant& participant);
  // Whoever it was linked to is gone. The next one may be anybody of those kinds, also where the job named one.
  void gone();

  bool linked() const noexcept { return !identity_.empty(); }
  const std::string& identity() const noexcept { return identity_; }
  // A telephone: it is hung up by removing it.
  bool is_telephone() const noexcept { return linked() && kind_ == ParticipantKind::sip; }

 private:
  std::string wanted_;
  std::vector<ParticipantKind> kinds_;
  std::string identity_;
  ParticipantKind kind_ = ParticipantKind::unknown;
};

}  // namespace parley::livekit
