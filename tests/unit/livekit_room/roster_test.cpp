#include "livekit/room/roster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace parley::livekit {
namespace {

using Type = RoomEvent::Type;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

proto::ParticipantInfo person(const std::string& identity, const std::string& sid, std::uint32_t version = 1) {
  proto::ParticipantInfo info;
  info.set_identity(identity);
  info.set_sid(sid);
  info.set_version(version);
  info.set_state(proto::ParticipantInfo::ACTIVE);
  return info;
}

proto::TrackInfo* add_track(proto::ParticipantInfo& info, const std::string& sid) {
  auto* track = info.add_tracks();
  track->set_sid(sid);
  track->set_type(proto::AUDIO);
  track->set_source(proto::MICROPHONE);
  return track;
}

// "participant_joined caller", in the order of the events.
std::vector<std::pair<Type, std::string>> told(const Roster::Events& events) {
  std::vector<std::pair<Type, std::string>> list;
  for (const auto& event : events) list.emplace_back(event.type, event.identity);
  return list;
}
std::pair<Type, std::string> is(Type type, std::string identity) { return {type, std::move(identity)}; }

class RosterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    room.set_sid("RM_1");
    room.set_name("lobby");
    roster.joined(room, self, {});
  }
  Roster::Events update(const proto::ParticipantInfo& info) {
    proto::ParticipantUpdate update;
    *update.add_participants() = info;
    return roster.updated(update);
  }

  proto::Room room;
  proto::ParticipantInfo self = person("agent", "PA_agent");
  Roster roster;
};

TEST_F(RosterTest, ParticipantWithATrack_JoinsThenPublishes) {
  auto caller = person("caller", "PA_c");
  caller.set_kind(proto::ParticipantInfo::SIP);
  (*caller.mutable_attributes())["sip.phoneNumber"] = "+15550100";
  add_track(caller, "TR_c")->add_audio_features(proto::TF_PRECONNECT_BUFFER);
  EXPECT_THAT(told(update(caller)),
              ElementsAre(is(Type::participant_joined, "caller"), is(Type::track_published, "caller")));
  const auto* known = roster.find("caller");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->kind, ParticipantKind::sip);
  EXPECT_EQ(known->attributes.at("sip.phoneNumber"), "+15550100");
  EXPECT_TRUE(known->tracks.at("TR_c").preconnect_buffer);
  EXPECT_EQ(roster.find_track("TR_c").participant, known);
}

TEST_F(RosterTest, ParticipantLeaves_TracksGoFirstAndTheReasonIsGiven) {
  auto caller = person("caller", "PA_c");
  add_track(caller, "TR_c");
  update(caller);
  auto gone = person("caller", "PA_c", 2);
  gone.set_state(proto::ParticipantInfo::DISCONNECTED);
  gone.set_disconnect_reason(proto::USER_REJECTED);
  const auto events = update(gone);
  EXPECT_THAT(told(events), ElementsAre(is(Type::track_unpublished, "caller"), is(Type::participant_left, "caller")));
  EXPECT_EQ(events.back().reason, DisconnectReason::user_rejected);
  EXPECT_EQ(roster.find("caller"), nullptr);
  EXPECT_THAT(update(gone), IsEmpty()) << "told once";
}

TEST_F(RosterTest, SameIdentityWithANewSid_ReplacesTheOneBefore) {
  auto caller = person("caller", "PA_1");
  add_track(caller, "TR_1");
  update(caller);
  auto again = person("caller", "PA_2");
  add_track(again, "TR_2");
  const auto events = update(again);
  EXPECT_THAT(told(events), ElementsAre(is(Type::track_unpublished, "caller"), is(Type::participant_left, "caller"),
                                        is(Type::participant_joined, "caller"), is(Type::track_published, "caller")));
  EXPECT_EQ(events[1].reason, DisconnectReason::duplicate_identity);
  auto old_gone = person("caller", "PA_1", 9);
  old_gone.set_state(proto::ParticipantInfo::DISCONNECTED);
  EXPECT_THAT(update(old_gone), IsEmpty()) << "the one that is gone already";
  EXPECT_EQ(roster.find("caller")->sid, "PA_2");
}

TEST_F(RosterTest, OlderVersion_IsLeftAside) {
  auto caller = person("caller", "PA_c", 5);
  caller.set_metadata("new");
  update(caller);
  auto old = person("caller", "PA_c", 4);
  old.set_metadata("old");
  EXPECT_THAT(update(old), IsEmpty());
  EXPECT_EQ(roster.find("caller")->metadata, "new");
}

TEST_F(RosterTest, AttributesChange_TheirNamesAreTold) {
  auto caller = person("caller", "PA_c");
  (*caller.mutable_attributes())["stays"] = "1";
  (*caller.mutable_attributes())["goes"] = "1";
  update(caller);
  caller.mutable_attributes()->erase("goes");
  (*caller.mutable_attributes())["comes"] = "1";
  const auto events = update(caller);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, Type::participant_updated);
  EXPECT_THAT(events[0].changed, ::testing::UnorderedElementsAre("comes", "goes"));
}

TEST_F(RosterTest, TrackMutedAndUnmuted_IsToldEachTime) {
  auto caller = person("caller", "PA_c");
  auto* track = add_track(caller, "TR_c");
  update(caller);
  track->set_muted(true);
  EXPECT_THAT(told(update(caller)), ElementsAre(is(Type::track_muted, "caller")));
  track->set_muted(false);
  EXPECT_THAT(told(update(caller)), ElementsAre(is(Type::track_unmuted, "caller")));
}

TEST_F(RosterTest, AfterAResume_WhoIsNotInTheWholeUpdateHasLeft) {
  update(person("stays", "PA_1"));
  update(person("left meanwhile", "PA_2"));
  roster.resumed();
  EXPECT_THAT(roster.updated({}), IsEmpty()) << "a part: the server first tells who has left";
  proto::ParticipantUpdate all;
  *all.add_participants() = person("stays", "PA_1");
  *all.add_participants() = person("came meanwhile", "PA_3");
  *all.add_participants() = self;
  EXPECT_THAT(told(roster.updated(all)), ElementsAre(is(Type::participant_left, "left meanwhile"),
                                                     is(Type::participant_joined, "came meanwhile")));
  EXPECT_THAT(update(self), IsEmpty()) << "only the first one is whole";
  EXPECT_NE(roster.find("stays"), nullptr);
}

TEST_F(RosterTest, AfterAFullReconnect_OnlyWhatChangedIsTold) {
  auto stays = person("stays", "PA_1");
  add_track(stays, "TR_1");
  update(stays);
  update(person("leaves", "PA_2"));
  Roster::Infos others;
  *others.Add() = stays;
  *others.Add() = person("comes", "PA_3");
  self.set_sid("PA_agent_again");
  EXPECT_THAT(told(roster.joined(room, self, others)),
              ElementsAre(is(Type::participant_left, "leaves"), is(Type::participant_joined, "comes")));
  EXPECT_EQ(roster.local().sid, "PA_agent_again");
}

TEST_F(RosterTest, MovedIntoAnotherRoom_EverybodyLeavesAndTheNewOnesJoin) {
  update(person("old", "PA_1"));
  Roster::Infos others;
  *others.Add() = person("new", "PA_2");
  room.set_sid("RM_2");
  EXPECT_THAT(told(roster.moved(room, self, others)),
              ElementsAre(is(Type::participant_left, "old"), is(Type::room_moved, "agent"),
                          is(Type::participant_joined, "new")));
  EXPECT_EQ(roster.room().sid, "RM_2");
}

TEST_F(RosterTest, OurPermissionChanges_IsTold) {
  self.set_version(2);
  self.mutable_permission()->set_can_publish(false);
  self.mutable_permission()->set_can_subscribe(true);
  EXPECT_THAT(told(update(self)), ElementsAre(is(Type::permission_changed, "agent")));
  EXPECT_FALSE(roster.local().permission.can_publish);
  EXPECT_THAT(update(self), IsEmpty());
}

TEST_F(RosterTest, AnotherOfOurIdentity_DoesNotChangeUs) {
  auto other = person("agent", "PA_other", 9);
  other.set_name("somebody else");
  EXPECT_THAT(update(other), IsEmpty());
  EXPECT_EQ(roster.local().sid, "PA_agent");
  EXPECT_EQ(roster.size(), 0u);
}

TEST_F(RosterTest, SpeakersAreADelta_WhoIsNotNamedStaysAsItWas) {
  update(person("a", "PA_a"));
  update(person("b", "PA_b"));
  const auto speaks = [this](const std::string& sid, bool active, float level) {
    proto::SpeakersChanged change;
    auto* speaker = change.add_speakers();
    speaker->set_sid(sid);
    speaker->set_active(active);
    speaker->set_level(level);
    return roster.speakers_changed(change);
  };
  EXPECT_EQ(speaks("PA_a", true, 0.5F).size(), 1u);
  EXPECT_EQ(speaks("PA_b", true, 0.5F).size(), 1u);
  EXPECT_TRUE(roster.find("a")->speaking);
  EXPECT_THAT(speaks("PA_a", true, 7.0F), IsEmpty());
  EXPECT_FLOAT_EQ(roster.find("a")->audio_level, 1.0F);
  EXPECT_THAT(speaks("PA_a", true, std::numeric_limits<float>::quiet_NaN()), IsEmpty());
  EXPECT_FLOAT_EQ(roster.find("a")->audio_level, 0.0F);
  EXPECT_THAT(speaks("PA_nobody", true, 1.0F), IsEmpty());
  EXPECT_EQ(speaks("PA_a", false, 0.0F).size(), 1u);
  EXPECT_TRUE(roster.find("b")->speaking);
}

TEST_F(RosterTest, QualityOutsideTheEnumeration_IsLeftAside) {
  update(person("a", "PA_a"));
  proto::ConnectionQualityUpdate quality;
  auto* info = quality.add_updates();
  info->set_participant_sid("PA_a");
  info->set_quality(static_cast<proto::ConnectionQuality>(77));
  EXPECT_THAT(roster.quality_changed(quality), IsEmpty());
  info->set_quality(proto::POOR);
  EXPECT_THAT(told(roster.quality_changed(quality)), ElementsAre(is(Type::connection_quality, "a")));
  EXPECT_EQ(roster.find("a")->quality, ConnectionQuality::poor);
}

TEST_F(RosterTest, MoreParticipantsAndTracksThanTheBounds_AreLeftAsideAndCounted) {
  proto::ParticipantUpdate all;
  for (std::size_t n = 0; n < Room::kMaxParticipants + 50; ++n) {
    auto* info = all.add_participants();
    *info = person(std::to_string(n), "PA_" + std::to_string(n));
  }
  for (std::size_t n = 0; n < Room::kMaxTracks + 10; ++n)
    add_track(*all.mutable_participants(0), "TR_" + std::to_string(n));
  roster.updated(all);
  EXPECT_EQ(roster.size(), Room::kMaxParticipants);
  EXPECT_EQ(roster.find("0")->tracks.size(), Room::kMaxTracks);
  EXPECT_EQ(roster.left_aside(), 60u);
}

TEST_F(RosterTest, MoreBytesThanTheBound_TheRestIsLeftAside) {
  for (int n = 0; n < 40; ++n) {
    auto info = person(std::to_string(n), "PA_" + std::to_string(n));
    info.set_metadata(std::string(1 * MiB, 'x'));
    update(info);
  }
  EXPECT_LT(roster.size(), 17u);
  EXPECT_GT(roster.size(), 14u);
  auto gone = person("0", "PA_0", 2);
  gone.set_state(proto::ParticipantInfo::DISCONNECTED);
  update(gone);
  auto next = person("next", "PA_next");
  next.set_metadata(std::string(MiB / 2, 'x'));
  EXPECT_EQ(update(next).size(), 1u) << "there is room again";
}

TEST_F(RosterTest, NamelessOnes_AreLeftAside) {
  EXPECT_THAT(update(person("", "PA_x")), IsEmpty());
  EXPECT_THAT(update(person("x", "")), IsEmpty());
  EXPECT_THAT(update(person(std::string(5000, 'x'), "PA_x")), IsEmpty());
  EXPECT_THAT(update(person("x", std::string(500, 'x'))), IsEmpty());
  EXPECT_EQ(roster.left_aside(), 4u);
}

TEST_F(RosterTest, RoomMetadataAndRecording_AreTold) {
  room.set_metadata("new");
  EXPECT_EQ(roster.room_updated(room).size(), 1u);
  room.set_active_recording(true);
  EXPECT_EQ(roster.room_updated(room).size(), 1u);
  EXPECT_TRUE(roster.room().recording);
  room.set_num_participants(7);
  EXPECT_THAT(roster.room_updated(room), IsEmpty());
  EXPECT_EQ(roster.room().participants, 7u);
}

TEST_F(RosterTest, OurTrackIsMutedByTheServer_ToldOnce) {
  proto::TrackInfo track;
  track.set_sid("TR_mine");
  EXPECT_THAT(told(roster.local_track_published(track)), ElementsAre(is(Type::local_track_published, "agent")));
  EXPECT_THAT(told(roster.local_track_muted("TR_mine", true)), ElementsAre(is(Type::local_track_muted, "agent")));
  EXPECT_THAT(roster.local_track_muted("TR_mine", true), IsEmpty());
  EXPECT_THAT(roster.local_track_muted("TR_other", true), IsEmpty());
}

}  // namespace
}  // namespace parley::livekit
