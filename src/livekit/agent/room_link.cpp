#include "livekit/agent/room_link.hpp"

#include <algorithm>
#include <cctype>

namespace parley::livekit {

ParticipantKind participant_kind(std::string_view name) noexcept {
  using enum ParticipantKind;
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b)); };
  for (const auto kind : {standard, ingress, egress, sip, agent, connector, bridge}) {
    if (std::ranges::equal(name, to_string(kind), same)) return kind;
  }
  return unknown;
}

bool RoomLink::suits(std::string_view identity, ParticipantKind kind, bool on_behalf) const noexcept {
  if (kind == ParticipantKind::agent || on_behalf) return false;
  return wanted_.empty() ? std::ranges::find(kinds_, kind) != kinds_.end() : identity == wanted_;
}

bool RoomLink::here(const Participant& participant) {
  const bool on_behalf = participant.attributes.contains(std::string(kPublishOnBehalf));
  if (linked() || participant.state == ParticipantState::disconnected || !suits(participant.identity, participant.kind, on_behalf)) return false;
  identity_ = participant.identity;
  kind_ = participant.kind;
  return true;
}

void RoomLink::gone() {
  identity_.clear();
  kind_ = ParticipantKind::unknown;
  wanted_.clear();
}

}  // namespace parley::livekit
