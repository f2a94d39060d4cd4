#include "livekit/worker/wire.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "livekit_agent.pb.h"

namespace parley::livekit {
namespace {

using ::testing::HasSubstr;

template <class Change>
std::string bytes_of(Change change) {
  ::livekit::ServerMessage message;
  change(message);
  return message.SerializeAsString();
}
::livekit::WorkerMessage parsed(const std::string& bytes) {
  ::livekit::WorkerMessage message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  return message;
}
std::string refusal(std::string_view bytes) {
  const auto said = wire::read(bytes);
  return said ? "read" : said.error().message();
}

TEST(WorkerWire, OfferOfAParticipantsJob_IsReadWhole) {
  const auto said = wire::read(bytes_of([](auto& message) {
    auto& job = *message.mutable_availability()->mutable_job();
    job.set_id("AJ_1");
    job.set_dispatch_id("AD_1");
    job.set_type(::livekit::JT_PARTICIPANT);
    job.set_metadata("{}");
    job.set_agent_name("reception");
    job.mutable_room()->set_sid("RM_1");
    job.mutable_room()->set_name("lobby");
    job.mutable_room()->set_metadata("m");
    (*job.mutable_attributes())["lk.simulator.dispatch"] = "{}";
    auto& participant = *job.mutable_participant();
    participant.set_sid("PA_1");
    participant.set_identity("phone");
    participant.set_kind(::livekit::ParticipantInfo::SIP);
    (*participant.mutable_attributes())["sip.callID"] = "x";
    message.mutable_availability()->set_resuming(true);
  }));
  ASSERT_TRUE(said);
  const auto& job = std::get<wire::Offer>(*said).job;
  EXPECT_EQ(job.id, "AJ_1");
  EXPECT_EQ(job.dispatch_id, "AD_1");
  EXPECT_EQ(job.type, JobType::participant);
  EXPECT_EQ(job.room_sid, "RM_1");
  EXPECT_EQ(job.room_name, "lobby");
  EXPECT_EQ(job.room_metadata, "m");
  EXPECT_EQ(job.metadata, "{}");
  EXPECT_EQ(job.agent_name, "reception");
  EXPECT_EQ(job.attributes.at("lk.simulator.dispatch"), "{}");
  EXPECT_TRUE(job.resuming);
  ASSERT_TRUE(job.participant);
  EXPECT_EQ(job.participant->identity, "phone");
  EXPECT_EQ(job.participant->kind, "sip");
  EXPECT_EQ(job.participant->attributes.at("sip.callID"), "x");
}

TEST(WorkerWire, Assignment_HasItsTokenAndPerhapsAnAddress) {
  const auto said = wire::read(bytes_of([](auto& message) {
    auto& assignment = *message.mutable_assignment();
    assignment.mutable_job()->set_id("AJ_1");
    assignment.mutable_job()->mutable_room()->set_name("lobby");
    assignment.set_token("token");
    assignment.set_url("wss://edge.example");
  }));
  const auto& assignment = std::get<wire::Assignment>(said.value());
  EXPECT_EQ(assignment.token, "token");
  EXPECT_EQ(assignment.url, "wss://edge.example");
  EXPECT_EQ(assignment.job.room_name, "lobby");
}

TEST(WorkerWire, WhatIsNoMessage_IsAnErrorThatSaysWhy) {
  EXPECT_THAT(refusal("\xff\xff\xff"), HasSubstr("malformed"));
  EXPECT_THAT(refusal(std::string(wire::kMaxMessage + 1, 'a')), HasSubstr("2097152 is the most"));
  EXPECT_THAT(refusal(bytes_of([](auto& message) { message.mutable_availability(); })), HasSubstr("without a usable id"));
  EXPECT_THAT(refusal(bytes_of([](auto& message) { message.mutable_availability()->mutable_job()->set_id("AJ_1"); })), HasSubstr("without a room"));
  EXPECT_THAT(refusal(bytes_of([](auto& message) { message.mutable_termination()->set_job_id(std::string(wire::kMaxId + 1, 'x')); })),
              HasSubstr("usable id"));
  EXPECT_THAT(refusal(bytes_of([](auto& message) {
                auto& job = *message.mutable_assignment()->mutable_job();
                job.set_id("AJ_1");
                job.mutable_room()->set_name("lobby");
              })),
              HasSubstr("token"));
}

TEST(WorkerWire, MessageOfALaterVersion_IsUnknown_NotAnError) {
  // Field 99, three bytes long; and no field at all.
  EXPECT_TRUE(std::holds_alternative<wire::Unknown>(wire::read("\x9a\x06\x03"
                                                               "abc").value()));
  EXPECT_TRUE(std::holds_alternative<wire::Unknown>(wire::read("").value()));
}

TEST(WorkerWire, EnumsOfLaterVersions_AreReadAsTheFirst) {
  const auto said = wire::read(bytes_of([](auto& message) {
    auto& job = *message.mutable_availability()->mutable_job();
    job.set_id("AJ_1");
    job.mutable_room()->set_name("lobby");
    job.set_type(static_cast<::livekit::JobType>(77));
    job.mutable_participant()->set_kind(static_cast<::livekit::ParticipantInfo_Kind>(77));
  }));
  const auto& job = std::get<wire::Offer>(said.value()).job;
  EXPECT_EQ(job.type, JobType::room);
  EXPECT_EQ(job.participant->kind, "standard");
}

TEST(WorkerWire, Registration_SaysWhatIsServedAndWhatJobsMayDo) {
  AgentWorkerSettings settings;
  settings.type = JobType::publisher;
  settings.agent_name = "reception";
  settings.version = "0.1";
  settings.name_space = "test";
  settings.can_publish_data = false;
  settings.hidden = true;
  const auto message = parsed(wire::registration(settings)).register_();
  EXPECT_EQ(message.type(), ::livekit::JT_PUBLISHER);
  EXPECT_EQ(message.agent_name(), "reception");
  EXPECT_EQ(message.version(), "0.1");
  EXPECT_EQ(message.namespace_(), "test");
  EXPECT_EQ(message.ping_interval(), 10u);
  EXPECT_TRUE(message.allowed_permissions().can_publish());
  EXPECT_FALSE(message.allowed_permissions().can_publish_data());
  EXPECT_TRUE(message.allowed_permissions().hidden());
  EXPECT_FALSE(parsed(wire::registration({})).register_().has_namespace_());
}

TEST(WorkerWire, Answer_NamesWhoJoins_OnlyIfSomebodyDoes) {
  JobReply reply{.available = true, .participant_identity = "agent", .participant_name = "Agent", .participant_metadata = "m",
                 .participant_attributes = {{"a", "1"}, {"broken", "\xff"}}};
  const auto taken = parsed(wire::availability("AJ_1", reply)).availability();
  EXPECT_TRUE(taken.available());
  EXPECT_EQ(taken.participant_identity(), "agent");
  EXPECT_EQ(taken.participant_attributes().at("a"), "1");
  EXPECT_EQ(taken.participant_attributes().at("broken"), "\xEF\xBF\xBD");
  reply.available = false;
  reply.terminate = true;
  const auto declined = parsed(wire::availability("AJ_1", reply)).availability();
  EXPECT_FALSE(declined.available());
  EXPECT_TRUE(declined.terminate());
  EXPECT_EQ(declined.participant_identity(), "");
}

TEST(WorkerWire, Load_IsBetweenZeroAndOne_WhateverIsSaid) {
  EXPECT_FLOAT_EQ(parsed(wire::worker_state({.load = 0.25})).update_worker().load(), 0.25F);
  EXPECT_FLOAT_EQ(parsed(wire::worker_state({.load = 7})).update_worker().load(), 1.0F);
  EXPECT_FLOAT_EQ(parsed(wire::worker_state({.load = -1})).update_worker().load(), 0.0F);
}

}  // namespace
}  // namespace parley::livekit
