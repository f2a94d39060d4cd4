#include "ipc/message.hpp"

#include <gtest/gtest.h>

namespace parley::ipc {
namespace {

template <class T>
Result<T> round_trip_from_job(const FromJob& message) {
  auto bytes = serialize(message);
  if (!bytes) return fail(bytes.error());
  auto parsed = parse_from_job(*bytes);
  if (!parsed) return fail(parsed.error());
  return std::get<T>(*parsed);
}

TEST(Message, Hello_KeepsItsPromise_AndRunningMakesNone) {
  const auto closing = round_trip_from_job<Hello>(Hello{"CA_1x", "AJ_1x", Phase::closing, 1500ms});
  ASSERT_TRUE(closing);
  EXPECT_EQ(closing->phase, Phase::closing);
  EXPECT_EQ(closing->leave_within, Duration(1500ms));
  EXPECT_EQ(round_trip_from_job<Hello>(Hello{"CA_1x", "AJ_1x", Phase::running, {}})->leave_within, std::nullopt);
}

TEST(Message, PromiseOfAges_IsCutToTheLongestThereIs) {
  EXPECT_EQ(round_trip_from_job<PhaseChange>(PhaseChange{Phase::hooks, std::chrono::hours(1000)})->leave_within, kMaxPromise);
}

TEST(Message, Refusal_KeepsItsCodeAndSentence) {
  const auto answer = round_trip_from_job<Answer>(Answer{7, fail(Errc::invalid_argument, "no audio in the offer")});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->request, 7u);
  ASSERT_FALSE(answer->sdp);
  EXPECT_EQ(answer->sdp.error().code(), Errc::invalid_argument);
  EXPECT_EQ(answer->sdp.error().message(), "no audio in the offer");
}

TEST(Message, WhatIsNotAnId_IsRefused) {
  const auto bytes = serialize(ToZygote(Spawn{1, JobKind::call, "../../etc/passwd", "AJ_1x"}));
  ASSERT_TRUE(bytes);
  EXPECT_EQ(parse_to_zygote(*bytes).error().code(), Errc::protocol);
}

TEST(Message, EventThatWouldBreakOutOfItsLine_IsRefused) {
  EXPECT_FALSE(round_trip_from_job<JobEvent>(JobEvent{1, "said", "{}\n\nevent: forged\ndata: {}"}));
  EXPECT_FALSE(round_trip_from_job<JobEvent>(JobEvent{1, "said\nid: 9", "{}"}));
  EXPECT_FALSE(round_trip_from_job<JobEvent>(JobEvent{1, "said", "[]"}));
  EXPECT_FALSE(round_trip_from_job<JobEvent>(JobEvent{0, "said", "{}"}));
  EXPECT_TRUE(round_trip_from_job<JobEvent>(JobEvent{1, "user_input_transcribed", "{}"}));
}

TEST(Message, BeyondItsBound_IsNotEvenSent) {
  EXPECT_EQ(serialize(ToJob(Offer{1, std::string(kMaxSdpBytes + 1, 'v'), 1s})).error().code(), Errc::invalid_argument);
  EXPECT_EQ(serialize(FromJob(JobEvent{1, "said", "{" + std::string(kMaxEventBytes, ' ') + "}"})).error().code(), Errc::invalid_argument);
  EXPECT_EQ(parse_from_job(std::string(kMaxMessageBytes + 1, 'x')).error().code(), Errc::protocol);
}

TEST(Message, Garbage_IsRefusedWithASentence) {
  for (const auto* bytes : {"", "\xff\xff", "hello", "\x0a\x00"}) {
    EXPECT_FALSE(parse_to_job(bytes));
    EXPECT_FALSE(parse_from_zygote(bytes));
    EXPECT_FALSE(parse_to_zygote(bytes));
  }
}

TEST(Message, LongTexts_AreCut) {
  const auto stop = parse_to_job(*serialize(ToJob(Stop{{StopCause::failure, std::string(100'000, 'x')}, true})));
  ASSERT_TRUE(stop);
  EXPECT_EQ(std::get<Stop>(*stop).reason.detail.size(), kMaxTextBytes);
}

RoomJob a_room_job() {
  return {.job_id = "AJ_livekit", .url = "wss://example.com", .token = "a.b.c", .api_token = "d.e.f", .room_name = "table 4",
          .room_sid = "RM_1", .room_metadata = "a room", .metadata = R"({"table":4})", .agent_identity = "agent-AJ_livekit",
          .agent_name = "reception", .participant_identity = "milla", .attributes = {{"a", "1"}, {"b", ""}}, .caller_was_there = true};
}

TEST(Message, RoomJob_ArrivesWhole) {
  const auto begin = parse_to_job(*serialize(ToJob(Begin{"CA_1x", "AJ_1x", "{}", a_room_job()})));
  ASSERT_TRUE(begin);
  EXPECT_EQ(std::get<Begin>(*begin).room, a_room_job());
  EXPECT_EQ(std::get<Begin>(*parse_to_job(*serialize(ToJob(Begin{"CA_1x", "AJ_1x", "{}"})))).room, std::nullopt);
}

TEST(Message, RoomJobAtItsBounds_FitsIntoOnePacket_AndBeyondThemIsNotSent) {
  auto job = a_room_job();
  job.token = job.api_token = std::string(kMaxRoomTokenBytes, 't');
  job.metadata = std::string(kMaxRoomMetadataBytes - job.room_metadata.size(), 'm');
  job.attributes = {{"a", std::string(kMaxRoomAttributeBytes - 1, 'v')}};
  EXPECT_TRUE(parse_to_job(*serialize(ToJob(Begin{"CA_1x", "AJ_1x", "{}", job}))));
  const auto refused = [](RoomJob broken) { return serialize(ToJob(Begin{"CA_1x", "AJ_1x", "{}", std::move(broken)})).error().code(); };
  auto longer = job;
  longer.metadata += 'm';
  EXPECT_EQ(refused(longer), Errc::invalid_argument);
  longer = job;
  longer.attributes["b"] = "";
  EXPECT_EQ(refused(longer), Errc::invalid_argument);
  longer = job;
  longer.token += 't';
  EXPECT_EQ(refused(longer), Errc::invalid_argument);
  longer = job;
  longer.room_name.clear();
  EXPECT_EQ(refused(longer), Errc::invalid_argument) << "a job without a room";
}

TEST(Message, JobTellsItsRoom_WhomItIsLinkedTo_AndThatItRejoins) {
  const auto hello = round_trip_from_job<Hello>(Hello{"CA_1x", "AJ_1x", Phase::running, {}, place_of(a_room_job())});
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->room, place_of(a_room_job()));
  EXPECT_EQ(*round_trip_from_job<Linked>(Linked{"sip_+1555", "sip"}), (Linked{"sip_+1555", "sip"}));
  EXPECT_EQ(*round_trip_from_job<Rejoining>(Rejoining{true}), Rejoining{true});
  EXPECT_FALSE(serialize(FromJob(Linked{std::string(kMaxRoomNameBytes + 1, 'x'), "sip"})));
}

TEST(Message, EveryReasonToStop_Arrives) {
  for (const auto cause : {StopCause::refused, StopCause::job_terminated, StopCause::room_closed}) {
    EXPECT_EQ(std::get<Stop>(*parse_to_job(*serialize(ToJob(Stop{{cause, {}}, true})))).reason.cause, cause);
  }
}

TEST(Message, SpawnedWithoutAProcess_IsRefused) {
  EXPECT_FALSE(parse_from_zygote(*serialize(FromZygote(Spawned{1, 1, {}})))) << "process 1 is nobody's job";
  EXPECT_TRUE(parse_from_zygote(*serialize(FromZygote(Spawned{1, 0, "no memory"}))));
}

}  // namespace
}  // namespace parley::ipc
