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

TEST(Message, SpawnedWithoutAProcess_IsRefused) {
  EXPECT_FALSE(parse_from_zygote(*serialize(FromZygote(Spawned{1, 1, {}})))) << "process 1 is nobody's job";
  EXPECT_TRUE(parse_from_zygote(*serialize(FromZygote(Spawned{1, 0, "no memory"}))));
}

}  // namespace
}  // namespace parley::ipc
