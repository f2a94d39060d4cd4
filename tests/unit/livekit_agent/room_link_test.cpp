// Whom of those in a room the agent talks to.
#include "livekit/agent/room_link.hpp"

#include <gtest/gtest.h>

namespace parley::livekit {
namespace {

using enum ParticipantKind;

Participant person(std::string identity, ParticipantKind kind = standard, std::map<std::string, std::string> attributes = {}) {
  Participant participant;
  participant.identity = std::move(identity);
  participant.kind = kind;
  participant.attributes = std::move(attributes);
  participant.state = ParticipantState::active;
  return participant;
}

TEST(RoomLink, FirstOfAKind_IsTheCaller_AndStaysIt) {
  RoomLink link("", {standard, sip});
  EXPECT_FALSE(link.here(person("recorder", egress)));
  EXPECT_TRUE(link.here(person("ann")));
  EXPECT_FALSE(link.here(person("bob")));
  EXPECT_EQ(link.identity(), "ann");
  EXPECT_FALSE(link.is_telephone());
}

TEST(RoomLink, AgentsAndTheirAvatars_AreNoCallers_WhateverTheKindsSay) {
  RoomLink link("", {standard, agent});
  EXPECT_FALSE(link.here(person("other-agent", agent)));
  EXPECT_FALSE(link.here(person("avatar", standard, {{"lk.publish_on_behalf", "other-agent"}})));
  EXPECT_FALSE(link.linked());
}

TEST(RoomLink, NamedOne_IsTheCaller_OfWhateverKind_AndNobodyElse) {
  RoomLink link("camera", {standard});
  EXPECT_FALSE(link.here(person("ann")));
  EXPECT_TRUE(link.here(person("camera", ingress)));
}

TEST(RoomLink, OnceTheNamedOneIsGone_TheNextOfAKindIsTheCaller) {
  RoomLink link("ann", {standard, sip});
  ASSERT_TRUE(link.here(person("ann")));
  link.gone();
  EXPECT_FALSE(link.linked());
  EXPECT_TRUE(link.here(person("sip_+1555", sip)));
  EXPECT_TRUE(link.is_telephone());
}

TEST(RoomLink, WhoIsDisconnectedAlready_IsNobody) {
  RoomLink link("", {standard});
  auto gone = person("ann");
  gone.state = ParticipantState::disconnected;
  EXPECT_FALSE(link.here(gone));
}

TEST(ParticipantKind, IsReadInEveryCase) {
  EXPECT_EQ(participant_kind("sip"), sip);
  EXPECT_EQ(participant_kind("CONNECTOR"), connector);
  EXPECT_EQ(participant_kind("martian"), unknown);
}

}  // namespace
}  // namespace parley::livekit
