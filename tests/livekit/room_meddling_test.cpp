// What a real server cannot be made to say: lies, moves, floods, and a media path that goes dead.
#include "room_meddling.hpp"
#include "room_fixture.hpp"
#include "support/udp_relay.hpp"

namespace parley::livekit {
namespace {

class MeddledRooms : public InRooms {
 public:
  MeddledRooms() : meddling(*sockets) {}

  // Through the one in between.
  static Task<std::unique_ptr<Room>> join_meddled(MeddledRooms& self, RoomSettings s) {
    auto room = std::make_unique<Room>(*self.scope, *self.engine, self.meddling, std::move(s), self.logger());
    const auto joined = co_await room->connect(self.loop.in(10s));
    EXPECT_TRUE(joined) << joined.error().message();
    if (!joined) room.reset();
    co_return room;
  }
  // The server says something, and so what is to be said beside it is.
  static Task<void> let_it_be_said(MeddledRooms& self) {
    static int n = 0;
    EXPECT_TRUE(co_await self.api->update_room_metadata(self.name, std::to_string(++n), self.loop.in(5s)));
    EXPECT_TRUE(co_await until(self, 5s, [&] { return self.meddling.said_all(); }));
    co_await sleep_for(20ms);
  }

  MeddlingSockets meddling;
};

TEST_F(MeddledRooms, MovedIntoAnotherRoom_EverybodyIsAnotherAndTheTokenIsTheNewOne) {
  run([](MeddledRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join_meddled(self, self.settings("agent"));
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    proto::SignalResponse said;
    auto& moved = *said.mutable_room_moved();
    moved.mutable_room()->set_sid("RM_other");
    moved.mutable_room()->set_name("other");
    moved.set_token("a token for the other room");
    moved.mutable_participant()->set_sid(agent->local().sid);
    moved.mutable_participant()->set_identity("agent");
    auto& somebody = *moved.add_other_participants();
    somebody.set_identity("somebody else");
    somebody.set_sid("PA_else");
    somebody.set_state(proto::ParticipantInfo::ACTIVE);
    self.meddling.say(said);
    co_await let_it_be_said(self);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_unsubscribed, "caller", 1s));
    CO_ASSERT(co_await wait_for(self, *agent, Type::participant_left, "caller", 1s));
    CO_ASSERT(co_await wait_for(self, *agent, Type::room_moved, "", 1s));
    CO_ASSERT(co_await wait_for(self, *agent, Type::participant_joined, "somebody else", 1s));
    EXPECT_EQ(agent->info().sid, "RM_other");
    EXPECT_EQ(agent->state(), RoomState::connected) << "the connection is kept";
    agent->drill(Room::Drill::signal_lost);
    const auto ended = co_await wait_for(self, *agent, Type::disconnected);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::join_failure);
    EXPECT_NE(ended->detail.find("401"), std::string::npos) << ended->detail;
  }(*this));
}

TEST_F(MeddledRooms, RefreshedTokenHasExpiredWhenItIsNeeded_EndsAndSaysSo) {
  run([](MeddledRooms& self) -> Task<void> {
    const auto agent = co_await join_meddled(self, self.settings("agent"));
    CO_ASSERT(agent);
    TokenClaims claims{.identity = "agent", .valid_for = 1s};
    claims.video.room = self.name;
    claims.video.room_join = true;
    proto::SignalResponse said;
    said.set_refresh_token(
        make_token(self.credentials, claims, self.loop.clock().wall() - std::chrono::hours(1)).value());
    self.meddling.say(said);
    co_await let_it_be_said(self);
    agent->drill(Room::Drill::signal_lost);
    const auto ended = co_await wait_for(self, *agent, Type::disconnected);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::join_failure);
    EXPECT_NE(ended->detail.find("expired"), std::string::npos) << ended->detail;
  }(*this));
}

TEST_F(MeddledRooms, LyingProtobuf_IsCountedAndTheCallGoesOn) {
  run([](MeddledRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join_meddled(self, self.settings("agent"));
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    self.meddling.say_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    self.meddling.say_bytes(std::string(3 * MiB, '\x0a'));
    self.meddling.say_bytes("text", false);
    self.meddling.say_bytes(
        std::string("\xfa\x3e\x03"
                    "abc"));  // a field that nobody knows (1007)
    proto::SignalResponse trickle;
    trickle.mutable_trickle()->set_candidateinit("{\"candidate\": [[[[");
    self.meddling.say(trickle);
    trickle.mutable_trickle()->set_candidateinit("{\"candidate\": \"candidate:1 1 udp 1 not.an.address 5 typ host\"}");
    self.meddling.say(trickle);
    co_await let_it_be_said(self);
    EXPECT_EQ(agent->counters().protocol_errors, 4u);
    EXPECT_EQ(agent->state(), RoomState::connected);
    EXPECT_TRUE(co_await hears(self, *agent, *caller, 440));
    for (int n = 0; n < 20; ++n) self.meddling.say_bytes("\xff");
    co_await let_it_be_said(self);
    const auto back = co_await wait_for(self, *agent, Type::reconnected);
    CO_ASSERT(back);
    EXPECT_TRUE(back->resuming) << "a connection that says nothing but nonsense is made anew";
  }(*this));
}

TEST_F(MeddledRooms, ServerAsksForEverMoreSections_ANewConnectionEndsIt) {
  run([](MeddledRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join_meddled(self, self.settings("agent"));
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    proto::SignalResponse said;
    said.mutable_media_sections_requirement()->set_num_audios(20);
    for (int n = 0; n < 8; ++n) self.meddling.say(said);
    co_await let_it_be_said(self);
    const auto back = co_await wait_for(self, *agent, Type::reconnected);
    CO_ASSERT(back);
    EXPECT_FALSE(back->resuming);
    CO_ASSERT(co_await until(self, 5s, [&] { return agent->audio_of("caller") != nullptr; }));
    EXPECT_TRUE(co_await hears(self, *caller, *agent, 440));
  }(*this));
}

TEST_F(MeddledRooms, EveryReasonOfALeave_IsTheOneThatIsTold) {
  run([](MeddledRooms& self) -> Task<void> {
    for (const int wire : {2, 3, 4, 5, 10, 14, 15, 16, 99}) {
      const auto agent = co_await join_meddled(self, self.settings("agent"));
      CO_ASSERT(agent);
      proto::SignalResponse said;
      said.mutable_leave()->set_action(proto::LeaveRequest::DISCONNECT);
      said.mutable_leave()->set_reason(static_cast<proto::DisconnectReason>(wire));
      self.meddling.say(said);
      co_await let_it_be_said(self);
      const auto ended = co_await wait_for(self, *agent, Type::disconnected);
      CO_ASSERT(ended);
      const auto expected = wire <= 16 ? static_cast<DisconnectReason>(wire) : DisconnectReason::signal_close;
      EXPECT_EQ(ended->reason, expected) << wire << " " << ended->detail;
      co_await agent->close(self.loop.in(3s));
    }
  }(*this));
}

TEST_F(MeddledRooms, ServerOfTwoConnections_IsTooOldAndNamedSo) {
  run([](MeddledRooms& self) -> Task<void> {
    self.meddling.change = [](proto::SignalResponse& said) {
      if (said.has_join()) said.mutable_join()->set_subscriber_primary(true);
    };
    const auto room =
        std::make_unique<Room>(*self.scope, *self.engine, self.meddling, self.settings("agent"), self.logger());
    const auto joined = co_await room->connect(self.loop.in(10s));
    CO_ASSERT(!joined);
    EXPECT_EQ(joined.error().code(), Errc::protocol);
    EXPECT_NE(joined.error().message().find("1.9.2"), std::string::npos) << joined.error().message();
  }(*this));
}

// One in forty deletions goes so: the connection is closed, and the Leave never comes.
TEST_F(MeddledRooms, RoomIsDeletedAndItsLeaveNeverComes_TheEndIsTheSame) {
  run([](MeddledRooms& self) -> Task<void> {
    self.meddling.change = [](proto::SignalResponse& said) {
      if (said.has_leave()) said.set_pong(0);
    };
    const auto agent = co_await join_meddled(self, self.settings("agent"));
    CO_ASSERT(agent);
    CO_ASSERT_OK(co_await self.api->delete_room(self.name, self.loop.in(5s)));
    const auto ended = co_await wait_for(self, *agent, Type::disconnected);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::room_deleted) << ended->detail;
  }(*this));
}

TEST_F(MeddledRooms, SignalStandsAndSaysNothing_IsLostAfterThePingTimeoutAndResumed) {
  run([](MeddledRooms& self) -> Task<void> {
    self.meddling.change = [](proto::SignalResponse& said) {
      if (!said.has_join()) return;
      said.mutable_join()->set_ping_interval(1);
      said.mutable_join()->set_ping_timeout(2);
    };
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join_meddled(self, self.settings("agent"));
    CO_ASSERT(caller && agent);
    EXPECT_FALSE(co_await wait_for(self, *agent, Type::reconnecting, "", 3s)) << "pings are answered";
    const auto began = self.loop.now();
    self.meddling.deafen();
    const auto lost = co_await wait_for(self, *agent, Type::reconnecting);
    CO_ASSERT(lost);
    EXPECT_LT(self.loop.now() - began, 4s);
    EXPECT_TRUE(lost->resuming) << lost->detail;
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnected));
  }(*this));
}

// The media path leads through a relay that can go dark.
TEST_F(MeddledRooms, MediaPathGoesDark_EverythingIsMadeAnewWhenItIsBack) {
  run([](MeddledRooms& self) -> Task<void> {
    std::optional<test::UdpRelay> relay;
    self.meddling.hide_our_addresses = true;
    self.meddling.change = [&relay](proto::SignalResponse& said) {
      if (!said.has_trickle() && !said.has_answer()) return;
      auto& text =
          said.has_trickle() ? *said.mutable_trickle()->mutable_candidateinit() : *said.mutable_answer()->mutable_sdp();
      for (std::size_t at = 0; (at = text.find(" 127.0.0.1 ", at)) != std::string::npos; at += 11) {
        const auto begin = at + 11, end = text.find(' ', begin);
        const auto port = text.substr(begin, end - begin);
        if (!relay && text.substr(0, at).find("udp") != std::string::npos)
          relay.emplace(static_cast<std::uint16_t>(std::stoi(port)), test::RelayRules{});
        if (relay) text.replace(begin, end - begin, std::to_string(relay->port()));
      }
    };
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join_meddled(self, self.settings("agent"));
    CO_ASSERT(caller && agent && relay);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    EXPECT_GT(relay->counts().forwarded, 10u) << "the media does not go through the relay";
    relay->set_blackout(true);
    const auto began = self.loop.now();
    CO_ASSERT(co_await wait_for(self, *agent, Type::reconnecting, "", 20s));
    fmt::print("noticed after {:.1f} s\n", to_seconds(self.loop.now() - began));
    relay->set_blackout(false);
    const auto back = co_await wait_for(self, *agent, Type::reconnected, "", 20s);
    CO_ASSERT(back);
    EXPECT_FALSE(back->resuming);
    CO_ASSERT(co_await until(self, 5s, [&] { return agent->audio_of("caller") != nullptr; }));
    EXPECT_TRUE(co_await hears(self, *caller, *agent, 440));
    co_await agent->close(self.loop.in(3s));
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
