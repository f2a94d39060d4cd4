// The socket: dialled, registered on, lost, dialled again, closed.
#include <parley/base/bytes.hpp>

#include "fixture.hpp"
#include "livekit/worker/backoff.hpp"
#include "livekit/worker/registration.hpp"

namespace parley::livekit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Message = ::livekit::WorkerMessage;

class Worker : public WorkerTest {};

TEST_F(Worker, Registers_WithATokenForWorkers_AndSaysSoInTheWordsThatToolsLookFor) {
  register_worker();
  ASSERT_EQ(server.requests.size(), 1u);
  EXPECT_EQ(server.requests[0].url, "ws://lk.example/agent?protocol=1");
  const auto field = server.requests[0].fields.get("Authorization");
  ASSERT_TRUE(field.starts_with("Bearer "));
  EXPECT_TRUE(read_token(field.substr(7)).value().claims.at("video").at("agent").as_bool());
  EXPECT_EQ(worker->worker_id(), "AW_1");
  EXPECT_EQ(worker->trouble(), "");
  ASSERT_EQ(log->lines.size(), 1u);
  EXPECT_EQ(log->lines[0].second, R"(registered worker AW_1 for agent "reception" at ws://lk.example, LiveKit 1.13.5)");
}

TEST_F(Worker, TellsItsStateAtOnceAndEvery2500ms_WithCountsThatGrow) {
  register_worker();
  world.run_for(10100ms);
  const auto states = server.all(Message::kUpdateWorker);
  ASSERT_EQ(states.size(), 4u + 1u);
  for (std::size_t i = 1; i < states.size(); ++i) {
    EXPECT_NEAR(to_ms(states[i].at - states[i - 1].at), 2500, 20);
    EXPECT_EQ(states[i].message.update_worker().seq(), i + 1);
  }
}

TEST_F(Worker, StormOfChanges_IsToldInFewWords_AndTheLastOneIsTheTruth) {
  register_worker();
  world.run_for(1s);
  const auto before = server.all(Message::kUpdateWorker).size();
  for (int i = 0; i < 100; ++i) {
    host.running.insert(std::to_string(i % 20));
    if (i % 3 == 0) host.running.clear();
    worker->load_changed();
    world.run_for(5ms);
  }
  world.run_for(300ms);
  const auto states = server.all(Message::kUpdateWorker);
  EXPECT_LE(states.size() - before, 8u);
  EXPECT_EQ(states.back().message.update_worker().job_count(), host.running.size());
}

TEST_F(Worker, ServerThatIsLost_IsDialledAgain_AndRunningJobsAreSaidAgain) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  server.cut();
  world.run_for(1ms);
  EXPECT_FALSE(worker->registered());
  EXPECT_THAT(worker->trouble(), HasSubstr("cut"));
  EXPECT_EQ(host.running.size(), 1u) << "a lost socket takes no job with it";
  world.run_for(2s);
  EXPECT_TRUE(worker->registered());
  EXPECT_EQ(worker->worker_id(), "AW_2");
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING, ::livekit::JS_RUNNING));
  EXPECT_EQ(log->count("lost the LiveKit server at ws://lk.example"), 1u);
  EXPECT_EQ(log->count("registered worker AW_2"), 1u);
}

TEST_F(Worker, EndWhileTheServerIsAway_IsToldWhenItIsBack) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  server.failure = net::WebSocketFailure{{Errc::unavailable, "connection refused"}};
  server.cut();
  world.run_for(1min);
  end("AJ_1", JobStatus::failed, "its process died");
  world.run_for(1min);
  server.failure.reset();
  register_worker();
  world.run_for(1s);
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING, ::livekit::JS_FAILED));
}

TEST_F(Worker, EndThatWasSentAndNeverRead_IsSentAgain) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  end("AJ_1");
  world.run_for(SimServer::kWay / 2);  // on its way
  server.cut();
  world.run_for(5s);
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING, ::livekit::JS_SUCCESS));
}

TEST_F(Worker, AcceptedJobs_AreFreeAgainAsSoonAsTheSocketIsLost) {
  server.assigns = false;
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  server.cut();
  world.run_for(10ms);
  EXPECT_THAT(host.released, ElementsAre("AJ_1"));
}

TEST_F(Worker, ServerThatIsGoneForGood_IsDialledForEver_NeverInAHurry_AndOneLineSaysSo) {
  server.failure = net::WebSocketFailure{{Errc::unavailable, "connection refused"}};
  start();
  world.run_for(1h);
  const auto dials = server.dialled.size();
  EXPECT_GT(dials, 3600u / 10) << "it is tried again for ever";
  EXPECT_LT(dials, 1500u) << "a pause is 5 s in the mean";
  EXPECT_EQ(log->lines.size(), 1u) << "one line for each change, not for each try";
  EXPECT_THAT(worker->trouble(), HasSubstr("connection refused"));
  server.failure.reset();
  world.run_for(11s);
  EXPECT_TRUE(worker->registered());
}

TEST_F(Worker, Pauses_HaveFullJitter_AndAreNeverNothing) {
  Random random(9);
  Backoff backoff;
  std::set<Duration> pauses;
  for (int i = 0; i < 12; ++i) {
    const auto most = std::min<Duration>(AgentWorker::kFirstBackoff * (1 << i), AgentWorker::kLongestBackoff);
    const auto pause = backoff.next(random);
    EXPECT_GE(pause, Backoff::kShortest);
    EXPECT_LE(pause, most);
    pauses.insert(pause);
  }
  EXPECT_EQ(pauses.size(), 12u);
  backoff.reset();
  EXPECT_LE(backoff.next(random), AgentWorker::kFirstBackoff);
}

TEST_F(Worker, ServerThatAcceptsAndCloses_ForEver_IsNoBusyLoop) {
  server.closes_before_registration = true;
  start();
  const auto steps = world.steps();
  world.run_for(10min);
  EXPECT_LT(server.dialled.size(), 250u);
  EXPECT_LT(world.steps() - steps, 20'000u);
  EXPECT_EQ(log->lines.size(), 1u);
}

TEST_F(Worker, ServerThatRegistersAndCloses_ForEver_IsNoBusyLoop_NorManyLines) {
  server.closes_after_registration = true;
  start();
  world.run_for(10min);
  EXPECT_LT(server.dialled.size(), 250u);
  EXPECT_GT(worker->counters().registrations, 20u);
  EXPECT_EQ(log->lines.size(), 4u) << "registered and lost, twice";
  server.closes_after_registration = false;
  world.run_for(60s);
  EXPECT_EQ(log->lines.size(), 5u);
  EXPECT_THAT(log->lines.back().second, HasSubstr("registered worker"));
}

TEST_F(Worker, WrongSecret_IsSaidPlainly_AndTriedAgainSlowly) {
  server.refuse(401, "invalid authorization token\n");
  start();
  world.run_for(10min);
  EXPECT_LE(server.dialled.size(), 41u);
  EXPECT_GE(server.dialled.size(), 20u);
  ASSERT_EQ(log->lines.size(), 1u);
  EXPECT_EQ(log->lines[0].first, LogLevel::error);
  EXPECT_EQ(log->lines[0].second,
            "no registration at ws://lk.example: the LiveKit server at ws://lk.example refuses this worker (401): look at LIVEKIT_API_KEY "
            "and LIVEKIT_API_SECRET: invalid authorization token; it is tried again for ever");
  server.failure.reset();  // the key was put right
  world.run_for(31s);
  EXPECT_TRUE(worker->registered());
}

TEST_F(Worker, ServerThatAsksForTime_GetsIt) {
  server.refuse(503, "", {{"Retry-After", "20"}});
  start();
  world.run_for(100s);
  EXPECT_LE(server.dialled.size(), 6u);
  EXPECT_THAT(worker->trouble(), HasSubstr("503"));
}

TEST_F(Worker, WhatIsNoLiveKitServer_OrNoAddress_OrNoKey_IsSaid) {
  server.refuse(404, "nothing here");
  start();
  world.run_for(1s);
  EXPECT_THAT(worker->trouble(), HasSubstr("is it a LiveKit server?"));
  settings.credentials.url = "lk.example";
  start();
  world.run_for(1s);
  EXPECT_THAT(worker->trouble(), HasSubstr("write it as wss://"));
  settings.credentials = {.url = "ws://lk.example", .api_key = "", .api_secret = ""};
  start();
  world.run_for(1s);
  EXPECT_THAT(worker->trouble(), HasSubstr("LIVEKIT_API_KEY"));
}

TEST_F(Worker, ServerThatDoesNotRegisterIt_IsLeftAfterTenSeconds) {
  server.registers = false;
  start();
  world.run_for(9s);
  EXPECT_EQ(server.open, 1);
  world.run_for(1500ms);
  EXPECT_THAT(worker->trouble(), HasSubstr("did not register the worker within 10 s"));
  EXPECT_THAT(log->lines.at(0).second, HasSubstr("no registration"));
}

TEST_F(Worker, ServerThatDoesNotAnswerTheDial_IsLeftAfterTenSeconds) {
  server.connect_hangs = true;
  start();
  world.run_for(21s);
  EXPECT_GE(server.dialled.size(), 2u);
}

TEST_F(Worker, ServerThatFallsSilent_IsGivenUpAfterThirtySeconds) {
  register_worker();
  server.answers_pings = false;
  world.run_for(AgentWorker::kSilence - 1s);
  EXPECT_TRUE(worker->registered());
  world.run_for(2s);
  EXPECT_EQ(server.requests.size(), 2u);
  EXPECT_EQ(log->count("fell silent"), 1u);
}

TEST_F(Worker, ServerThatAnswersPings_IsKept) {
  register_worker();
  world.run_for(10min);
  EXPECT_EQ(server.requests.size(), 1u);
  EXPECT_NEAR(static_cast<double>(server.all(Message::kPing).size()), 60, 2);
}

TEST_F(Worker, MalformedMessages_AreCounted_TheSocketGoesOn_UntilThereAreTooMany) {
  register_worker();
  for (int i = 1; i < Registration::kMaxBroken; ++i) server.say_bytes("\xff\xff\xff", i % 2 == 0);
  server.offer("AJ_1");
  world.run_for(1s);
  EXPECT_EQ(worker->counters().protocol_errors, static_cast<std::uint64_t>(Registration::kMaxBroken - 1));
  EXPECT_EQ(host.starts.size(), 1u);
  EXPECT_EQ(server.requests.size(), 1u);
  server.say_bytes("\xff\xff\xff");
  world.run_for(2s);
  EXPECT_EQ(server.requests.size(), 2u);
  EXPECT_EQ(log->count("malformed"), 1u);
}

TEST_F(Worker, OversizedMessage_IsCounted_AndTheCallsGoOn) {
  register_worker();
  server.say_bytes(std::string(3 * MiB, 'x'));
  world.run_for(1s);
  EXPECT_EQ(worker->counters().protocol_errors, 1u);
  EXPECT_TRUE(worker->registered());
}

TEST_F(Worker, UnknownMessages_AreLeftAside) {
  register_worker();
  for (int i = 0; i < 1000; ++i) server.say_bytes("\x9a\x06\x03" "abc");
  world.run_for(1s);
  EXPECT_EQ(worker->counters().protocol_errors, 0u);
  EXPECT_TRUE(worker->registered());
}

TEST_F(Worker, PongsOfPingsThatWereNeverSent_ConfirmNothing) {
  register_worker();
  server.answers_pings = false;
  worker->status("AJ_1", JobStatus::success);
  world.run_for(1s);
  ::livekit::ServerMessage lie;
  lie.mutable_pong()->set_last_timestamp(std::numeric_limits<std::int64_t>::max());
  server.say(lie);
  world.run_for(1s);
  server.answers_pings = true;
  server.cut();
  world.run_for(5s);
  EXPECT_EQ(server.statuses("AJ_1").size(), 2u) << "it was not confirmed, so it is said again";
}

TEST_F(Worker, ServerThatIsDrained_IsLeft_AndRegisteredAtAgain) {
  register_worker();
  ::livekit::ServerMessage away;
  away.mutable_go_away()->set_reason("rolling update");
  server.say(away);
  world.run_for(2s);
  EXPECT_TRUE(worker->registered());
  EXPECT_EQ(server.requests.size(), 2u);
  EXPECT_EQ(log->count("rolling update"), 1u);
}

TEST_F(Worker, Closed_TellsWhatIsToBeTold_ThenSaysGoodbye) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  end("AJ_1");
  const auto before = world.now();
  const auto report = close();
  EXPECT_TRUE(report.clean()) << to_string(report);
  EXPECT_LT(world.now() - before, 100ms);
  EXPECT_THAT(server.statuses("AJ_1"), ElementsAre(::livekit::JS_RUNNING, ::livekit::JS_SUCCESS));
  EXPECT_EQ(server.all(Message::kUpdateWorker).back().message.update_worker().status(), ::livekit::WS_FULL);
  EXPECT_EQ(server.open, 0);
  EXPECT_FALSE(worker->registered());
}

TEST_F(Worker, ClosedWhileTheServerIsAway_EndsInBoundedTime_AndSaysWhatWasNotTold) {
  register_worker();
  server.failure = net::WebSocketFailure{{Errc::unavailable, "connection refused"}};
  server.cut();
  world.run_for(20s);
  worker->status("AJ_1", JobStatus::success);
  const auto before = world.now();
  const auto report = close(10s);
  EXPECT_LE(world.now() - before, AgentWorker::kLastTry + 100ms);
  EXPECT_EQ(report.failed, 1u);
  EXPECT_THAT(to_string(report), HasSubstr("worker/statuses"));
}

TEST_F(Worker, ClosedWhileTheServerIsJustComingBack_TellsItAll) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  server.cut();
  world.run_for(1ms);
  end("AJ_1");
  EXPECT_TRUE(close().clean());
  EXPECT_EQ(server.statuses("AJ_1").back(), ::livekit::JS_SUCCESS);
}

TEST_F(Worker, ClosedAtAServerThatReadsNothing_EndsByItsDeadline) {
  register_worker();
  server.answers_pings = false;
  worker->status("AJ_1", JobStatus::success);
  const auto before = world.now();
  const auto report = close(3s);
  EXPECT_LE(world.now() - before, 3s);
  EXPECT_EQ(report.failed, 1u) << to_string(report);
  EXPECT_EQ(server.open, 0);
}

TEST_F(Worker, ClosedBeforeItWasEverRegistered_EndsAtOnce) {
  server.connect_hangs = true;
  start();
  world.run_for(1s);
  const auto before = world.now();
  (void)close();
  EXPECT_LT(world.now() - before, 100ms);
  EXPECT_EQ(server.open, 0);
}

TEST_F(Worker, Killed_DropsTheSocketAtOnce_AndTouchesNoJob) {
  register_worker();
  server.offer("AJ_1");
  world.run_for(1s);
  worker->kill();
  EXPECT_EQ(server.open, 0);
  EXPECT_FALSE(worker->registered());
  EXPECT_EQ(host.running.size(), 1u);
  worker->status("AJ_1", JobStatus::success);
  worker->load_changed();
  worker->drain();
}

}  // namespace
}  // namespace parley::livekit
