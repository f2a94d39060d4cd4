// What is lost comes back: sockets cut, connections closed, and what the application sees of it.
#include "livekit/room/remote_audio.hpp"
#include "room_fixture.hpp"
#include "room_relay.hpp"

namespace parley::livekit {
namespace {

// The agent's signal socket goes through a door of ours; the caller's does not.
class CutRooms : public InRooms {
 public:
  void SetUp() override {
    InRooms::SetUp();
    relay = std::make_unique<SignalRelay>(
        loop, *scope, static_cast<std::uint16_t>(std::stoi(credentials.url.substr(credentials.url.rfind(':') + 1))));
  }
  void TearDown() override {
    relay.reset();
    InRooms::TearDown();
  }
  RoomSettings through_relay(const std::string& identity) {
    auto s = settings(identity);
    s.url = relay->url();
    return s;
  }
  static ReceiverStats stats(Room& at, const std::string& of) {
    const auto track = std::dynamic_pointer_cast<RemoteAudio>(at.audio_of(of));
    return track ? track->stats() : ReceiverStats{};
  }

  std::unique_ptr<SignalRelay> relay;
};

TEST_F(CutRooms, SignalCutWhileAToneSounds_NotOneFrameIsMissing) {
  run([](CutRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    co_await listen(self, *agent, *caller, 440, 50);
    co_await sleep_for(200ms);
    const auto before = stats(*caller, "agent").jitter;
    self.relay->shut();
    constexpr std::size_t kCutFrames = 250;  // 5 s
    auto heard = co_await listen(self, *agent, *caller, 440, kCutFrames);
    EXPECT_EQ(agent->state(), RoomState::reconnecting);
    self.relay->open();
    const auto more = co_await listen(self, *agent, *caller, 440, 200);
    heard.insert(heard.end(), more.begin(), more.end());
    const auto resumed = co_await wait_for(self, *agent, Type::reconnected, "", 10s);
    CO_ASSERT(resumed);
    EXPECT_TRUE(resumed->resuming);
    co_await sleep_for(200ms);
    const auto after = stats(*caller, "agent").jitter;
    EXPECT_EQ(after.received - before.received, kCutFrames + 200);
    EXPECT_EQ(after.lost, before.lost);
    EXPECT_GE(heard.size(), (kCutFrames + 199) * kTransportFrameSamples);
    EXPECT_GT(time_at(440, Samples(heard).last(heard.size() - kTransportRate / 2)), 0.9);
    EXPECT_FALSE(co_await wait_for(self, *caller, Type::participant_left, "agent", 10ms))
        << "the caller noticed nothing";
    EXPECT_EQ(agent->counters().resumes, 1u);
    EXPECT_EQ(agent->counters().reconnects, 0u);
    EXPECT_TRUE(co_await hears(self, *caller, *agent, 700));
  }(*this));
}

TEST_F(CutRooms, ReliableDataAcrossACut_IsNeitherLostNorDoubled) {
  run([](CutRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    constexpr int kPackets = 150;
    for (int n = 0; n < kPackets; ++n) {
      if (n == 30) self.relay->shut();
      if (n == 100) self.relay->open();
      CO_ASSERT_OK(co_await agent->messages().send_data(std::to_string(n), "up", true, {}, self.loop.in(10s)));
      CO_ASSERT_OK(co_await caller->messages().send_data(std::to_string(n), "down", true, {}, self.loop.in(10s)));
      co_await sleep_for(10ms);
    }
    CO_ASSERT(co_await until(self, 10s, [&] { return agent->counters().resumes == 1; }));
    for (auto* receiver : {caller.get(), agent.get()}) {
      for (int n = 0; n < kPackets; ++n) {
        const auto data = co_await wait_for(self, *receiver, Type::data, "", 5s);
        CO_ASSERT(data);
        CO_ASSERT(data->data == std::to_string(n));
      }
      EXPECT_FALSE(co_await wait_for(self, *receiver, Type::data, "", 200ms)) << "one came twice";
    }
  }(*this));
}

TEST_F(CutRooms, OneComesAndOneGoesWhileTheSignalIsDown_BothAreTold) {
  run([](CutRooms& self) -> Task<void> {
    const auto agent = co_await join(self, self.through_relay("agent"));
    auto leaves = co_await join(self, "leaves");
    CO_ASSERT(agent && leaves);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "leaves"));
    self.relay->shut();
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnecting));
    const auto comes = co_await join(self, "comes");
    CO_ASSERT(comes);
    co_await leaves->close(self.loop.in(3s));
    self.relay->open();
    CO_ASSERT(co_await until(self, 15s, [&] { return agent->state() == RoomState::connected; }));
    CO_ASSERT(co_await until(self, 5s, [&] { return agent->audio_of("comes") != nullptr; }));
    EXPECT_EQ(agent->participant("leaves"), nullptr);
    EXPECT_TRUE(co_await hears(self, *comes, *agent, 440)) << "the requirement that was lost is asked for again";

    CO_ASSERT(co_await until(self, 5s, [&] { return comes->audio_of("agent") != nullptr; }));
  }(*this));
}

TEST_F(CutRooms, AttributesSetWhileTheSignalIsDown_AreSetAfterTheResume) {
  run([](CutRooms& self) -> Task<void> {
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(agent);
    self.relay->cut();
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnecting));
    CO_ASSERT_OK(co_await agent->set_attributes({{"lk.agent.state", "thinking"}}, self.loop.in(10s)));
    const auto there = co_await self.api->get_participant(self.name, "agent", self.loop.in(5s));
    CO_ASSERT_OK(there);
    EXPECT_EQ(there->attributes.at("lk.agent.state"), "thinking");
  }(*this));
}

TEST_F(CutRooms, ResumeOnTheSpot_TakesMilliseconds) {
  run([](CutRooms& self) -> Task<void> {
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(agent);
    std::vector<double> took;
    for (int n = 0; n < 5; ++n) {
      const auto began = self.loop.now();
      agent->drill(Room::Drill::signal_lost);
      const auto back = co_await wait_for(self, *agent, Type::reconnected);
      CO_ASSERT(back);
      EXPECT_TRUE(back->resuming);
      took.push_back(to_ms(self.loop.now() - began));
      if (n == 0) EXPECT_LT(took[0], 1000) << "the first attempt waits for nothing";
    }
    fmt::print("resumes: {:.1f}, then with backoff {:.1f} {:.1f} {:.1f} {:.1f} ms\n", took[0], took[1], took[2],
               took[3], took[4]);
  }(*this));
}

TEST_F(CutRooms, SignalCutAgainInTheMiddleOfTheResume_TheNextOneHolds) {
  run([](CutRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    agent->drill(Room::Drill::disconnect_signal_on_resume);
    co_await sleep_for(100ms);
    self.relay->cut();
    CO_ASSERT(co_await until(self, 20s,
                             [&] { return agent->counters().resumes >= 2 && agent->state() == RoomState::connected; }));
    EXPECT_EQ(agent->counters().reconnects, 0u);
    EXPECT_TRUE(co_await hears(self, *agent, *caller, 440));
  }(*this));
}

TEST_F(CutRooms, NodeFails_EverythingIsMadeAnewAndBothHearEachOtherAgain) {
  run([](CutRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    CO_ASSERT_OK(co_await agent->set_attributes({{"lk.agent.state", "speaking"}}, self.loop.in(5s)));
    const auto sid = agent->local().sid;
    const auto began = self.loop.now();
    agent->drill(Room::Drill::node_failure);
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnecting));
    const auto back = co_await wait_for(self, *agent, Type::reconnected, "", 20s);
    CO_ASSERT(back);
    fmt::print("full reconnect in {:.0f} ms\n", to_ms(self.loop.now() - began));
    EXPECT_FALSE(back->resuming);
    EXPECT_NE(agent->local().sid, sid);
    EXPECT_EQ(agent->local().attributes.at("lk.agent.state"), "speaking") << "what was set is told with the join";
    CO_ASSERT(co_await wait_for(self, *caller, Type::participant_left, "agent"));
    CO_ASSERT(co_await wait_for(self, *caller, Type::participant_joined, "agent"));
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    CO_ASSERT(co_await until(
        self, 5s, [&] { return agent->audio_of("caller") != nullptr && agent->microphone()->can_deliver(); }));
    EXPECT_TRUE(co_await hears(self, *agent, *caller, 440));
    EXPECT_TRUE(co_await hears(self, *caller, *agent, 700));
    CO_ASSERT_OK(co_await agent->messages().send_data("again", "t", true, {}, self.loop.in(5s)));
    EXPECT_TRUE(co_await wait_for(self, *caller, Type::data, "agent"));
  }(*this));
}

TEST_F(CutRooms, Migration_IsMadeAnewToo) {
  run([](CutRooms& self) -> Task<void> {
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(agent);
    agent->drill(Room::Drill::migration);
    const auto back = co_await wait_for(self, *agent, Type::reconnected, "", 20s);
    CO_ASSERT(back);
    EXPECT_EQ(agent->state(), RoomState::connected);
  }(*this));
}

TEST_F(CutRooms, RoomIsDeletedWhileTheSignalIsDown_ItsGhostIsRecognisedAndLeft) {
  run([](CutRooms& self) -> Task<void> {
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(agent);
    self.relay->shut();
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnecting));
    CO_ASSERT_OK(co_await self.api->delete_room(self.name, self.loop.in(5s)));
    self.relay->open();
    const auto ended = co_await wait_for(self, *agent, Type::disconnected, "", 20s);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::room_deleted) << ended->detail;
    EXPECT_TRUE((co_await agent->close(self.loop.in(3s))).clean());
    EXPECT_TRUE(co_await empties(self)) << "a participant stays in the ghost";
  }(*this));
}

TEST_F(CutRooms, ServerThatHangsUpOnEveryResume_IsGivenUp) {
  run([](CutRooms& self) -> Task<void> {
    auto s = self.through_relay("agent");
    s.reconnects = 3;
    const auto agent = co_await join(self, s);
    CO_ASSERT(agent);
    const auto accepted = self.relay->accepted();
    self.relay->shut();
    const auto ended = co_await wait_for(self, *agent, Type::disconnected, "", 20s);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::signal_close);
    EXPECT_EQ(self.relay->accepted() - accepted, 3u);
    EXPECT_TRUE((co_await agent->close(self.loop.in(3s))).clean());
  }(*this));
}

TEST_F(CutRooms, LeftWhileReconnecting_EndsAtOnce) {
  run([](CutRooms& self) -> Task<void> {
    const auto agent = co_await join(self, self.through_relay("agent"));
    CO_ASSERT(agent);
    self.relay->shut();
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnecting));
    const auto began = self.loop.now();
    EXPECT_TRUE((co_await agent->close(self.loop.in(3s))).clean());
    EXPECT_LT(self.loop.now() - began, 1s);
    const auto ended = co_await wait_for(self, *agent, Type::disconnected);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::client_initiated);
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
