// A call in a room: who is heard, when we are heard, and how it ends.
#include "livekit/agent/room_transport.hpp"

#include <gmock/gmock.h>

#include <parley/async/within.hpp>

#include "fake_room.hpp"

namespace parley::livekit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using enum ParticipantKind;
using Told = TransportEvent::Type;

class RoomCalls : public ::testing::Test {
 protected:
  void make(RoomCall call = {.room_sid = "RM_1"}) {
    RoomNews news;
    news.linked = [this](const std::string& identity, ParticipantKind kind) { linked.push_back(identity.empty() ? "-" : identity + " " + std::string(to_string(kind))); };
    news.rejoining = [this](bool now) { rejoining.push_back(now); };
    transport.emplace(*scope, room, &server, std::move(call), std::move(news), Logger());
  }
  void start_join(RoomTransport& call) {
    joined.reset();
    ASSERT_TRUE(scope->spawn("join", [](RoomCalls& self, RoomTransport& t) -> Task<void> {
      self.joined = co_await t.join(self.loop.in(10s));
      self.joined_at = self.loop.now();
    }(*this, call)));
  }
  void start_join() { start_join(*transport); }
  Result<void> join() { return join(*transport); }
  Result<void> join(RoomTransport& call) {
    start_join(call);
    EXPECT_TRUE(world.run_until([&] { return joined.has_value(); }, 15s)) << world.describe();
    return joined.value_or(Result<void>(fail(Errc::internal, "still joining")));
  }
  // A caller who is there, heard, and hears us.
  void in_a_call(ParticipantKind kind = standard, RoomCall call = {.room_sid = "RM_1"}) {
    room.comes("ann", kind);
    make(std::move(call));
    ASSERT_TRUE(join());
    room.speaks("ann", 7);
    room.hears_us();
    world.run_for(10ms);
    ASSERT_TRUE(transport->can_deliver());
    told();
  }
  CloseReport close(Duration budget = 1s) {
    std::optional<CloseReport> report;
    EXPECT_TRUE(scope->spawn("close", [](RoomCalls& self, Duration d, std::optional<CloseReport>& out) -> Task<void> {
      out = co_await self.transport->close(self.loop.in(d));
    }(*this, budget, report)));
    EXPECT_TRUE(world.run_until([&] { return report.has_value(); }, 5s)) << world.describe();
    return report.value_or(CloseReport{});
  }
  // What the session was told since the last call.
  std::vector<Told> told() {
    std::vector<Told> types;
    while (auto event = transport->events().try_pop()) {
      types.push_back(event->type);
      if (event->type == Told::caller_left) left = event->reason;
    }
    return types;
  }
  int heard() {
    const auto frame = transport->receive(loop.now());
    return frame ? frame->samples.at(0) : 0;
  }
  void TearDown() override {
    if (transport) (void)close();
    transport.reset();
    scope.reset();
  }

  sim::World world{3};
  sim::SimLoop& loop = world.add_loop("job");
  std::unique_ptr<Scope> scope = std::make_unique<Scope>(loop, "job");
  FakeRoom room{loop};
  FakeServer server;
  std::optional<RoomTransport> transport;
  std::optional<Result<void>> joined;
  TimePoint joined_at{};
  StopReason left;
  std::vector<std::string> linked;
  std::vector<bool> rejoining;
};

// ---- who is heard

TEST_F(RoomCalls, CallerWhoIsThere_IsLinked_AndNobodyElseIsHeard) {
  room.comes("ann");
  make();
  ASSERT_TRUE(join());
  EXPECT_EQ(heard(), 0);
  room.comes("bob");
  room.speaks("bob", 9);
  room.speaks("ann", 7);
  world.run_for(10ms);
  EXPECT_EQ(heard(), 7);
  EXPECT_THAT(linked, ElementsAre("ann standard"));
  EXPECT_EQ(told(), std::vector{Told::caller_joined});
}

TEST_F(RoomCalls, CallerWhoComesLater_IsLinkedThen) {
  make();
  ASSERT_TRUE(join());
  world.run_for(2s);
  EXPECT_FALSE(transport->linked().is_set());
  room.comes("someone-elses-avatar", standard, {{"lk.publish_on_behalf", "x"}});
  room.comes("sip_+1555", sip, {{"sip.phoneNumber", "+1555"}});
  world.run_for(10ms);
  ASSERT_TRUE(transport->linked().is_set());
  EXPECT_EQ(transport->caller()->attributes.at("sip.phoneNumber"), "+1555");
}

TEST_F(RoomCalls, CallerIsKnown_BeforeTheConnectionStands) {
  room.connecting = 3s;
  make();
  start_join();
  world.run_for(100ms);
  room.comes("ann");
  world.run_for(100ms);
  EXPECT_TRUE(transport->linked().is_set());
  EXPECT_FALSE(joined);
  EXPECT_FALSE(transport->can_deliver());
}

TEST_F(RoomCalls, MuteAndKeysOfTheCaller_AreTold_ThoseOfOthersAreNot) {
  in_a_call();
  room.comes("bob");
  room.happens({.type = RoomEvent::Type::track_muted, .identity = "ann", .track_sid = "TR_ann"});
  room.happens({.type = RoomEvent::Type::track_unmuted, .identity = "ann", .track_sid = "TR_ann"});
  room.happens({.type = RoomEvent::Type::dtmf, .identity = "ann", .digit = '5'});
  room.happens({.type = RoomEvent::Type::track_muted, .identity = "bob", .track_sid = "TR_bob"});
  room.happens({.type = RoomEvent::Type::dtmf, .identity = "bob", .digit = '6'});
  world.run_for(10ms);
  EXPECT_EQ(told(), (std::vector{Told::caller_muted, Told::caller_unmuted, Told::dtmf}));
}

TEST_F(RoomCalls, CallerWhoSendsNothing_IsNotGone) {
  in_a_call();
  room.voices.at("ann")->silent = true;
  world.run_for(2min);
  EXPECT_EQ(heard(), 0);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_EQ(transport->last_heard(), loop.now());
}

// ---- when we are heard

TEST_F(RoomCalls, NothingIsDelivered_BeforeSomebodyHasSubscribed) {
  server.listed = std::vector<Listed>{{.identity = "ann"}};
  room.comes("ann");
  make();
  ASSERT_TRUE(join());
  world.run_for(1s);
  transport->send(AudioFrame{.samples = std::vector<std::int16_t>(kTransportFrameSamples)}, loop.now());
  EXPECT_EQ(room.mic.sent, 0);
  room.hears_us();
  world.run_for(10ms);
  transport->send(AudioFrame{.samples = std::vector<std::int16_t>(kTransportFrameSamples)}, loop.now());
  EXPECT_EQ(room.mic.sent, 1);
  EXPECT_EQ(told(), std::vector{Told::connected});
}

TEST_F(RoomCalls, SubscriberWhoNeverComes_IsWaitedForSoLong_AndNotLonger) {
  server.listed = std::vector<Listed>{{.identity = "ann"}};
  room.comes("ann");
  make();
  ASSERT_TRUE(join());
  world.run_for(RoomTransport::kSubscriberWithin - 100ms);
  EXPECT_FALSE(transport->can_deliver());
  world.run_for(200ms);
  EXPECT_TRUE(transport->can_deliver());
  EXPECT_EQ(told(), std::vector{Told::connected});
}

TEST_F(RoomCalls, Resume_InterruptsNothing) {
  in_a_call();
  room.happens({.type = RoomEvent::Type::reconnecting, .resuming = true});
  room.happens({.type = RoomEvent::Type::reconnected, .resuming = true});
  world.run_for(10ms);
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_THAT(rejoining, IsEmpty());
}

TEST_F(RoomCalls, FullReconnect_Interrupts_UntilWeAreSubscribedAnew) {
  in_a_call();
  room.happens({.type = RoomEvent::Type::reconnecting});
  world.run_for(10ms);
  EXPECT_EQ(told(), std::vector{Told::interrupted});
  EXPECT_THAT(rejoining, ElementsAre(true));
  room.mic.subscribed().reset();
  room.happens({.type = RoomEvent::Type::reconnected});
  world.run_for(10ms);
  EXPECT_THAT(rejoining, ElementsAre(true, false));
  EXPECT_THAT(told(), IsEmpty());
  room.hears_us();
  world.run_for(10ms);
  EXPECT_EQ(told(), std::vector{Told::connected});
}

TEST_F(RoomCalls, CallerWhoLeftWhileWeWereAway_HasLeft) {
  in_a_call();
  room.happens({.type = RoomEvent::Type::reconnecting});
  world.run_for(10ms);
  room.people.erase("ann");
  room.happens({.type = RoomEvent::Type::reconnected});
  world.run_for(10ms);
  EXPECT_THAT(told(), Contains(Told::caller_left));
}

// ---- how it ends

struct Departure {
  DisconnectReason reason;
  StopCause cause;
  const char* words;
};

TEST_F(RoomCalls, CallerLeaves_EachWayEndsTheCall_AsItself) {
  for (const auto& each : {Departure{DisconnectReason::client_initiated, StopCause::caller_hung_up, "hung up"},
                           Departure{DisconnectReason::participant_removed, StopCause::caller_hung_up, "removed from the room"},
                           Departure{DisconnectReason::room_deleted, StopCause::room_closed, "deleted"},
                           Departure{DisconnectReason::connection_timeout, StopCause::caller_vanished, "lost its connection"},
                           Departure{DisconnectReason::unknown, StopCause::caller_vanished, "the caller left"}}) {
    FakeRoom own(loop);
    own.comes("ann");
    RoomTransport call(*scope, own, nullptr, {}, {}, Logger());
    ASSERT_TRUE(join(call));
    own.leaves("ann", each.reason);
    world.run_for(1ms);
    ASSERT_TRUE(call.ended().is_set());
    EXPECT_EQ(call.end_reason().cause, each.cause) << each.words;
    EXPECT_THAT(call.end_reason().detail, HasSubstr(each.words));
    EXPECT_TRUE(own.left_at) << "the room is left at once, before anybody closes";
  }
}

TEST_F(RoomCalls, OurOwnEnd_IsToldAsItself) {
  for (const auto& each : {Departure{DisconnectReason::room_deleted, StopCause::room_closed, "deleted"},
                           Departure{DisconnectReason::participant_removed, StopCause::room_closed, "removed"},
                           Departure{DisconnectReason::duplicate_identity, StopCause::replaced, "identity"},
                           Departure{DisconnectReason::server_shutdown, StopCause::shutdown, "shut down"},
                           Departure{DisconnectReason::signal_close, StopCause::caller_vanished, "lost"}}) {
    FakeRoom own(loop);
    own.comes("ann");
    RoomTransport call(*scope, own, nullptr, {}, {}, Logger());
    ASSERT_TRUE(join(call));
    own.ends(each.reason);
    world.run_for(1ms);
    ASSERT_TRUE(call.ended().is_set());
    EXPECT_EQ(call.end_reason().cause, each.cause) << each.words;
    EXPECT_THAT(call.end_reason().detail, HasSubstr(each.words));
  }
}

TEST_F(RoomCalls, CallerWhoConnectsAnew_HasNotLeft) {
  in_a_call();
  room.happens({.type = RoomEvent::Type::participant_left, .identity = "ann", .reason = DisconnectReason::duplicate_identity});
  world.run_for(10ms);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(RoomCalls, OthersMayLeave) {
  in_a_call();
  room.comes("bob");
  room.leaves("bob");
  world.run_for(10ms);
  EXPECT_FALSE(transport->ended().is_set());
}

TEST_F(RoomCalls, WithoutCloseOnDisconnect_TheNextOneIsTheCaller) {
  in_a_call(standard, {.room_sid = "RM_1", .caller_identity = "ann", .close_on_disconnect = false});
  room.leaves("ann");
  world.run_for(10ms);
  EXPECT_FALSE(transport->ended().is_set());
  EXPECT_EQ(told(), std::vector{Told::interrupted});
  EXPECT_EQ(heard(), 0);
  room.comes("bob");
  room.speaks("bob", 9);
  world.run_for(10ms);
  EXPECT_EQ(heard(), 9);
  EXPECT_THAT(told(), UnorderedElementsAre(Told::connected, Told::caller_joined));
  EXPECT_THAT(linked, ElementsAre("ann standard", "-", "bob standard"));
}

TEST_F(RoomCalls, AgentEndsACallFromATelephone_TheTelephoneIsHungUp) {
  in_a_call(sip);
  const auto report = close();
  EXPECT_TRUE(report.clean()) << to_string(report);
  EXPECT_THAT(server.asked, ElementsAre("remove ann"));
}

TEST_F(RoomCalls, AgentEndsACallFromABrowser_NobodyIsRemoved) {
  in_a_call();
  EXPECT_TRUE(close().clean());
  EXPECT_THAT(server.asked, IsEmpty());
  EXPECT_TRUE(room.closed);
}

TEST_F(RoomCalls, TelephoneThatHungUpItself_IsNotHungUp) {
  in_a_call(sip);
  room.leaves("ann");
  world.run_for(10ms);
  (void)close();
  EXPECT_THAT(server.asked, IsEmpty());
}

TEST_F(RoomCalls, AgentThatIsRemovedFromTheRoom_LeavesNoTelephoneBehind) {
  in_a_call(sip);
  room.ends(DisconnectReason::participant_removed);
  world.run_for(10ms);
  (void)close();
  EXPECT_THAT(server.asked, ElementsAre("remove ann"));
}

TEST_F(RoomCalls, AgentWhoseIdentityWasTaken_LeavesTheTelephoneToTheOther) {
  in_a_call(sip);
  room.ends(DisconnectReason::duplicate_identity);
  world.run_for(10ms);
  (void)close();
  EXPECT_THAT(server.asked, IsEmpty());
}

TEST_F(RoomCalls, RoomThatIsOver_MayHaveComeAnewForOthers_AndIsNotDeleted) {
  in_a_call(sip, {.room_sid = "RM_1", .delete_on_close = true});
  room.ends(DisconnectReason::room_deleted);
  world.run_for(10ms);
  (void)close();
  EXPECT_THAT(server.asked, ElementsAre("remove ann"));
}

TEST_F(RoomCalls, RoomIsDeleted_WhereItIsWanted_BesideItsClose) {
  in_a_call(sip, {.room_sid = "RM_1", .delete_on_close = true});
  server.answers_in = 300ms;
  room.closing = 400ms;
  const auto began = loop.now();
  EXPECT_TRUE(close().clean());
  EXPECT_THAT(server.asked, ElementsAre("remove ann", "delete"));
  EXPECT_LT(loop.now() - began, 450ms);
}

TEST_F(RoomCalls, WhatIsGoneAlready_WasWantedGone) {
  in_a_call(sip, {.room_sid = "RM_1", .delete_on_close = true});
  server.result = fail(Errc::not_found, "no such room");
  EXPECT_TRUE(close().clean());
}

TEST_F(RoomCalls, ServerThatDoesNotAnswer_HoldsNothingUp_AndTheReportSaysSo) {
  in_a_call(sip);
  server.answers_in = 1h;
  const auto began = loop.now();
  const auto report = close();
  EXPECT_LE(loop.now() - began, 1s + 1ms);
  EXPECT_FALSE(report.clean());
  const auto is_it = [](const ClosedItem& item) { return item.name == "hang-up" && item.outcome == CloseOutcome::failed && !item.detail.empty(); };
  EXPECT_TRUE(std::ranges::any_of(report.items, is_it)) << to_string(report);
}

// ---- callers who are gone on arrival

TEST_F(RoomCalls, CallerWhoWasThere_AndIsNotListed_NothingIsJoined) {
  make({.room_sid = "RM_1", .caller_was_there = true});
  const auto result = join();
  EXPECT_EQ(result.error().code(), Errc::not_found);
  EXPECT_EQ(room.connects, 0);
}

TEST_F(RoomCalls, RoomThatIsGone_IsNotJoined) {
  server.listed = fail(Errc::not_found, "no such room");
  make();
  EXPECT_EQ(join().error().code(), Errc::not_found);
  EXPECT_EQ(room.connects, 0);
}

TEST_F(RoomCalls, CallerWhoWasSeen_AndLeftBeforeWeCame_EndsTheCallWithinASecond) {
  server.listed = std::vector<Listed>{{.identity = "ann"}};
  const auto began = loop.now();
  make();
  const auto result = join();
  EXPECT_EQ(result.error().code(), Errc::not_found);
  EXPECT_LT(joined_at - began, 500ms);
  EXPECT_TRUE(room.left_at);
  EXPECT_THAT(told(), Contains(Told::caller_left));
}

TEST_F(RoomCalls, CallerWhoWasSeen_AndIsStillComing_IsWaitedForAMoment) {
  server.listed = std::vector<Listed>{{.identity = "ann"}};
  make();
  start_join();
  world.run_for(150ms);
  EXPECT_FALSE(joined);
  room.comes("ann");
  world.run_for(10ms);
  ASSERT_TRUE(joined);
  EXPECT_TRUE(*joined);
}

TEST_F(RoomCalls, CallerWithoutATrack_IsAskedForAtTheServer_WhichTellsOfSuchLate) {
  server.listed = std::vector<Listed>{{.identity = "ann"}};
  room.comes("ann");
  make();
  ASSERT_TRUE(join());
  world.run_for(1s);
  EXPECT_FALSE(transport->ended().is_set());
  server.listed = std::vector<Listed>{{.identity = "agent", .kind = agent}};
  world.run_for(RoomTransport::kNewcomerLook + 10ms);
  ASSERT_TRUE(transport->ended().is_set());
  EXPECT_EQ(transport->end_reason().cause, StopCause::caller_hung_up);
}

TEST_F(RoomCalls, ServerThatListsNobody_HasNoSuchRoomAnyMore_AndTheRoomItselfSaysWhy) {
  room.comes("ann");
  make();
  ASSERT_TRUE(join());
  world.run_for(2s);
  EXPECT_FALSE(transport->ended().is_set());
}

TEST_F(RoomCalls, CallerWithATrack_IsNotAskedForAnyMore) {
  in_a_call();
  server.listed = std::vector<Listed>{{.identity = "agent", .kind = agent}};
  world.run_for(10s);
  EXPECT_FALSE(transport->ended().is_set());
}

TEST_F(RoomCalls, CallerWhoLeavesWhileWeJoin_EndsTheCall) {
  room.connecting = 1s;
  make();
  start_join();
  world.run_for(100ms);
  room.comes("ann");
  world.run_for(100ms);
  room.leaves("ann");
  world.run_for(10ms);
  EXPECT_TRUE(transport->ended().is_set());
  EXPECT_EQ(transport->end_reason().cause, StopCause::caller_hung_up);
}

TEST_F(RoomCalls, NobodyWasSeen_NobodyIsThere_TheAgentWaits) {
  make();
  ASSERT_TRUE(join());
  world.run_for(1min);
  EXPECT_FALSE(transport->ended().is_set());
}

TEST_F(RoomCalls, RoomThatWeMadeAnew_IsDeletedAgain) {
  room.info_.sid = "RM_2";
  make();
  EXPECT_EQ(join().error().code(), Errc::not_found);
  EXPECT_THAT(server.asked, ElementsAre("delete"));
}

TEST_F(RoomCalls, RoomThatSomebodyElseHasMadeAnew_IsLeftToThem) {
  room.info_.sid = "RM_2";
  room.comes("ann");
  make();
  EXPECT_EQ(join().error().code(), Errc::not_found);
  EXPECT_THAT(server.asked, IsEmpty());
  EXPECT_THAT(linked, IsEmpty());
}

TEST_F(RoomCalls, ServerThatDoesNotSayWhoIsThere_IsJoinedAllTheSame_Soon) {
  server.answers_in = 1h;
  room.comes("ann");
  const auto began = loop.now();
  make({.room_sid = "RM_1", .caller_was_there = true});
  EXPECT_TRUE(join());
  EXPECT_LE(joined_at - began, RoomTransport::kLookWithin + room.connecting + 10ms);
}

TEST_F(RoomCalls, JoinThatFails_SaysWhy) {
  room.connect_result = fail(Errc::unavailable, "no UDP path to the server");
  make();
  EXPECT_EQ(join().error().message(), "no UDP path to the server");
}

TEST_F(RoomCalls, RoomThatIsDeletedWhileWeJoin_EndsTheCallAsThat) {
  room.connect_result = fail(Errc::refused, "the room was not joined: room_deleted");
  make();
  start_join();
  world.run_for(20ms);
  room.ends(DisconnectReason::room_deleted);
  world.run_for(100ms);
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->error().code(), Errc::not_found);
  EXPECT_EQ(transport->end_reason().cause, StopCause::room_closed);
}

TEST_F(RoomCalls, ServerThatCannotBeReached_IsAFailure_AndNoCallerLeft) {
  room.connect_result = fail(Errc::unavailable, "no UDP path to the server");
  make();
  start_join();
  world.run_for(20ms);
  room.ends(DisconnectReason::join_failure);
  world.run_for(100ms);
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->error().code(), Errc::unavailable);
  EXPECT_FALSE(transport->ended().is_set());
}

// ---- telephones

class Telephones : public RoomCalls {
 protected:
  Result<void> ask(Task<Result<void>> what) {
    std::optional<Result<void>> answer;
    EXPECT_TRUE(scope->spawn("ask", [](Task<Result<void>> task, std::optional<Result<void>>& out) -> Task<void> { out = co_await std::move(task); }(std::move(what), answer)));
    EXPECT_TRUE(world.run_until([&] { return answer.has_value(); }, 5s));
    return answer.value_or(Result<void>{});
  }
};

TEST_F(Telephones, CallerIsPassedOn_AndNotHungUpAfterwards) {
  in_a_call(sip);
  EXPECT_TRUE(ask(transport->transfer("tel:+15550100", loop.in(5s))));
  (void)close();
  EXPECT_THAT(server.asked, ElementsAre("transfer ann tel:+15550100"));
  EXPECT_EQ(linked.back(), "-");
}

TEST_F(Telephones, KeysGoToTheCaller) {
  in_a_call(sip);
  EXPECT_TRUE(ask(transport->send_dtmf("12#", loop.in(5s))));
  EXPECT_EQ(room.dtmf, "12#@ann");
}

TEST_F(Telephones, BrowserIsNoTelephone) {
  in_a_call();
  EXPECT_EQ(ask(transport->transfer("tel:+15550100", loop.in(5s))).error().code(), Errc::refused);
  EXPECT_EQ(ask(transport->send_dtmf("1", loop.in(5s))).error().code(), Errc::refused);
}

// ---- what was said before we came

class Preconnect : public RoomCalls {
 protected:
  static constexpr const char* kTopic = "lk.agent.pre-connect-audio-buffer";
  static std::string raw(std::size_t samples, char code) {
    std::string bytes;
    for (std::size_t i = 0; i < samples; ++i) bytes += {code, 0};
    return bytes;
  }
  void said_before(std::size_t ms, char code, std::string mime = "audio/pcm", Duration takes = {}) {
    auto reader = room.sends(kTopic, "ann", raw(ms * 24, code), {{"trackId", "TR_ann"}, {"sampleRate", "24000"}, {"channels", "1"}}, std::move(mime));
    reader->delay = takes;
  }
  // The first frames, until the caller is heard live (7).
  std::vector<std::pair<int, std::size_t>> heard_frames(int ticks) {
    std::vector<std::pair<int, std::size_t>> all;
    for (int i = 0; i < ticks; ++i) {
      if (const auto frame = transport->receive(loop.now())) all.emplace_back(frame->samples.at(frame->samples.size() / 2), frame->samples.size());
      world.run_for(kFrameDuration);
    }
    return all;
  }
  void start() {
    room.comes("ann");
    make();
    ASSERT_TRUE(join());
  }
};

TEST_F(Preconnect, ComesBeforeWhatIsSaidNow_AndIsCaughtUpWith) {
  start();
  said_before(1000, 3);
  room.speaks("ann", 7, true);
  world.run_for(10ms);
  const auto frames = heard_frames(100);
  ASSERT_FALSE(frames.empty());
  EXPECT_NEAR(frames.front().first, 3, 1);
  std::size_t before = 0, all = 0;
  for (const auto& [code, samples] : frames) {
    all += samples;
    if (code < 5) before += samples;
  }
  EXPECT_NEAR(static_cast<double>(before), 48'000.0, 4'800.0);
  EXPECT_EQ(all, 48'000 + 100 * kTransportFrameSamples) << "nothing is lost, and nothing waits any more";
  EXPECT_EQ(frames.back(), std::pair(7, kTransportFrameSamples));
}

TEST_F(Preconnect, LiveAudioWaitsForIt_SoLongAndNotLonger) {
  start();
  room.speaks("ann", 7, true);
  world.run_for(10ms);
  EXPECT_THAT(heard_frames(140), IsEmpty());
  const auto frames = heard_frames(100);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.front().first, 7);
  EXPECT_EQ(frames.back(), std::pair(7, kTransportFrameSamples));
}

TEST_F(Preconnect, TrackThatKeepsNone_IsHeardAtOnce) {
  start();
  room.speaks("ann", 7);
  world.run_for(10ms);
  EXPECT_EQ(heard(), 7);
}

TEST_F(Preconnect, SentInTheCallersName_IsNotHeard) {
  start();
  room.comes("eve");
  room.sends(kTopic, "eve", raw(24'000, 3), {{"trackId", "TR_ann"}, {"sampleRate", "24000"}, {"channels", "1"}}, "audio/pcm");
  room.speaks("ann", 7, true);
  world.run_for(10ms);
  for (const auto& [code, samples] : heard_frames(250)) EXPECT_EQ(code, 7);
}

TEST_F(Preconnect, OldOne_IsDropped) {
  start();
  said_before(1000, 3);
  world.run_for(PreconnectAudio::kMaxAge + 100ms);
  room.speaks("ann", 7, true);
  world.run_for(10ms);
  for (const auto& [code, samples] : heard_frames(250)) EXPECT_EQ(code, 7);
}

TEST_F(Preconnect, StreamThatNeverEnds_IsGivenUp) {
  start();
  said_before(1000, 3, "audio/pcm", 1h);
  room.speaks("ann", 7, true);
  world.run_for(10ms);
  const auto frames = heard_frames(300);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.front().first, 7);
}

TEST_F(Preconnect, WhatCannotBeUnderstood_IsLeftAside) {
  EXPECT_FALSE(mono_at_transport_rate("abcd", 0, 1));
  EXPECT_FALSE(mono_at_transport_rate("abcd", 48'000, 0));
  EXPECT_FALSE(mono_at_transport_rate("abcd", 1 << 30, 1));
  EXPECT_EQ(mono_at_transport_rate(raw(4, 2).substr(1), 48'000, 2)->size(), 1u) << "half a frame is none";
}

}  // namespace
}  // namespace parley::livekit
