// Joining, hearing each other, leaving: two and more participants in one process, in rooms of a real server.
#include "room_fixture.hpp"

namespace parley::livekit {
namespace {

TEST_F(InRooms, OneJoins_IsInTheRoomAndItsTrackIsPublished) {
  run([](InRooms& self) -> Task<void> {
    auto s = self.settings("agent");
    s.attributes = {{"lk.agent.state", "initializing"}};
    s.metadata = "about me";
    const auto began = self.loop.now();
    const auto room = co_await join(self, s);
    CO_ASSERT(room);
    fmt::print("joined in {:.1f} ms\n", to_ms(self.loop.now() - began));
    EXPECT_EQ(room->state(), RoomState::connected);
    EXPECT_EQ(room->info().name, self.name);
    EXPECT_EQ(room->local().identity, "agent");
    EXPECT_EQ(room->local().attributes.at("lk.agent.state"), "initializing");
    EXPECT_EQ(room->local().metadata, "about me");
    const auto first = co_await room->events().pop(self.loop.in(1s));
    CO_ASSERT_OK(first);
    EXPECT_EQ(first->type, Type::connected);
    EXPECT_TRUE(co_await wait_for(self, *room, Type::local_track_published, "agent"));
    EXPECT_TRUE(room->microphone()->can_deliver());
    EXPECT_TRUE(room->microphone()->sid().starts_with("TR_"));
    const auto there = co_await self.api->get_participant(self.name, "agent", self.loop.in(5s));
    CO_ASSERT_OK(there);
    EXPECT_EQ(there->state, "ACTIVE");
    const auto report = co_await room->close(self.loop.in(3s));
    EXPECT_TRUE(report.clean()) << to_string(report);
    const auto last = co_await wait_for(self, *room, Type::disconnected);
    CO_ASSERT(last);
    EXPECT_EQ(last->reason, DisconnectReason::client_initiated);
  }(*this));
}

TEST_F(InRooms, TwoJoin_EachHearsTheOthersTone) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    const auto began = self.loop.now();
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::local_track_subscribed, "agent"));
    EXPECT_TRUE(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    fmt::print("subscribed after {:.1f} ms\n", to_ms(self.loop.now() - began));
    EXPECT_TRUE(co_await hears(self, *caller, *agent, 440));
    EXPECT_TRUE(co_await hears(self, *agent, *caller, 1000));
    const auto loud = co_await listen(self, *caller, *agent, 440, 50);
    CO_ASSERT(loud.size() > kTransportRate / 2);
    EXPECT_NEAR(level_dbov(Samples(loud).last(kTransportRate / 2)), level_dbov(tone(440, 0).samples), 1.5F);
    EXPECT_TRUE(agent->microphone()->subscribed().is_set());
  }(*this));
}

TEST_F(InRooms, ThirdJoinsLate_HearsAndIsHeardByBoth) {
  run([](InRooms& self) -> Task<void> {
    const auto a = co_await join(self, "a");
    const auto b = co_await join(self, "b");
    CO_ASSERT(a && b);
    CO_ASSERT(co_await wait_for(self, *a, Type::track_subscribed, "b"));
    const auto late = co_await join(self, "late");
    CO_ASSERT(late);
    EXPECT_EQ(late->participants().size(), 2u);
    for (auto* peer : {a.get(), b.get()}) {
      CO_ASSERT(co_await wait_for(self, *peer, Type::track_subscribed, "late"));
      CO_ASSERT(co_await until(self, 5s, [&] { return late->audio_of(peer->local().identity) != nullptr; }));
      EXPECT_TRUE(co_await hears(self, *late, *peer, 500));
      EXPECT_TRUE(co_await hears(self, *peer, *late, 700));
    }
  }(*this));
}

TEST_F(InRooms, FiveJoinAndGo_SectionsAreUsedAgainForOthers) {
  run([](InRooms& self) -> Task<void> {
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    for (int n = 0; n < 5; ++n) {
      const auto identity = fmt::format("caller {}", n);
      const auto caller = co_await join(self, identity);
      CO_ASSERT(caller);
      CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, identity));
      CO_ASSERT(co_await until(self, 5s, [&] { return agent->audio_of(identity) != nullptr; }));
      const auto hertz = 400 + 100 * n;
      EXPECT_TRUE(co_await hears(self, *caller, *agent, hertz)) << identity;
      const auto kept = agent->audio_of(identity);
      co_await caller->close(self.loop.in(3s));
      const auto left = co_await wait_for(self, *agent, Type::participant_left, identity);
      CO_ASSERT(left);
      EXPECT_EQ(left->reason, DisconnectReason::client_initiated);
      EXPECT_FALSE(kept->receive(self.loop.now())) << "a track that is gone is silent";
      EXPECT_FALSE(agent->audio_of(identity));
    }
  }(*this));
}

TEST_F(InRooms, MutedAndUnmuted_NothingComesMeanwhileAndItIsTold) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    co_await listen(self, *caller, *agent, 440, 25);
    caller->microphone()->set_muted(true);
    EXPECT_FALSE(caller->microphone()->can_deliver());
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::track_muted, "caller"));
    const auto& tracks = agent->participant("caller")->tracks;
    CO_ASSERT(tracks.size() == 1u);
    EXPECT_TRUE(tracks.begin()->second.muted);
    co_await listen(self, *caller, *agent, 440, 60);
    const auto silent_since = agent->audio_of("caller")->last_received();
    co_await listen(self, *caller, *agent, 440, 25);
    EXPECT_EQ(agent->audio_of("caller")->last_received(), silent_since);
    caller->microphone()->set_muted(false);
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::track_unmuted, "caller"));
    EXPECT_TRUE(co_await hears(self, *caller, *agent, 440));
  }(*this));
}

TEST_F(InRooms, ServerMutesOurTrack_IsObeyed) {
  run([](InRooms& self) -> Task<void> {
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    CO_ASSERT(co_await wait_for(self, *agent, Type::local_track_published));
    CO_ASSERT_OK(co_await self.api->mute_track(self.name, "agent", agent->microphone()->sid(), true, self.loop.in(5s)));
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::local_track_muted));
    EXPECT_TRUE(agent->microphone()->muted());
    EXPECT_FALSE(agent->microphone()->can_deliver());
  }(*this));
}

TEST_F(InRooms, AttributesMetadataAndName_ReachTheOthers) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    CO_ASSERT_OK(co_await agent->set_attributes({{"lk.agent.state", "listening"}, {"other", "1"}}, self.loop.in(5s)));
    auto told = co_await wait_for(self, *caller, Type::participant_updated, "agent");
    while (told && told->changed.empty()) told = co_await wait_for(self, *caller, Type::participant_updated, "agent");
    CO_ASSERT(told);
    EXPECT_EQ(told->changed.size(), 2u);
    EXPECT_EQ(caller->participant("agent")->attributes.at("lk.agent.state"), "listening");
    CO_ASSERT_OK(co_await agent->set_attributes({{"other", ""}}, self.loop.in(5s)));
    CO_ASSERT_OK(co_await agent->set_metadata("new metadata", self.loop.in(5s)));
    CO_ASSERT_OK(co_await agent->set_name("new name", self.loop.in(5s)));
    const auto* seen = caller->participant("agent");
    EXPECT_TRUE(co_await until(self, 5s, [&] {
      seen = caller->participant("agent");
      return seen->name == "new name" && seen->metadata == "new metadata" && !seen->attributes.contains("other");
    }));
    EXPECT_EQ(agent->local().name, "new name");
    EXPECT_EQ((co_await agent->set_attributes({{"much", std::string(100'000, 'x')}}, self.loop.in(5s))).error().code(),
              Errc::invalid_argument);
  }(*this));
}

TEST_F(InRooms, TokenWithoutThePermission_UpdateIsRefusedWithTheGrantsName) {
  run([](InRooms& self) -> Task<void> {
    auto s = self.settings("agent");
    s.token = self.token("agent", [](TokenClaims& claims) { claims.video.can_update_own_metadata = false; });
    const auto agent = co_await join(self, s);
    CO_ASSERT(agent);
    const auto refused = co_await agent->set_attributes({{"a", "1"}}, self.loop.in(5s));
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error().code(), Errc::refused);
    EXPECT_NE(refused.error().message().find("canUpdateOwnMetadata"), std::string::npos) << refused.error().message();
  }(*this));
}

TEST_F(InRooms, RoomMetadataChanges_IsTold) {
  run([](InRooms& self) -> Task<void> {
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    CO_ASSERT_OK(co_await self.api->update_room_metadata(self.name, "about the room", self.loop.in(5s)));
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::room_updated));
    EXPECT_EQ(agent->info().metadata, "about the room");
  }(*this));
}

TEST_F(InRooms, OneSpeaks_IsAnActiveSpeaker) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    co_await listen(self, *caller, *agent, 440, 75);
    CO_ASSERT(co_await wait_for(self, *agent, Type::active_speakers, "", 5s));
    EXPECT_TRUE(agent->participant("caller")->speaking);
    EXPECT_GT(agent->participant("caller")->audio_level, 0.0F);
  }(*this));
}

TEST_F(InRooms, UnsubscribedAndSubscribedAgain_IsSilentMeanwhile) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    const auto first = co_await wait_for(self, *agent, Type::track_subscribed, "caller");
    CO_ASSERT(first);
    agent->subscribe(first->track_sid, false);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_unsubscribed, "caller"));
    EXPECT_FALSE(agent->audio_of("caller"));
    co_await listen(self, *caller, *agent, 440, 25);
    agent->subscribe(first->track_sid, true);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    EXPECT_TRUE(co_await hears(self, *caller, *agent, 440));
  }(*this));
}

TEST_F(InRooms, NobodyIsSubscribedToByItself_WhenThatIsNotWanted) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    CO_ASSERT(caller);
    auto s = self.settings("agent");
    s.subscribe_to_audio = false;
    s.microphone.reset();
    const auto agent = co_await join(self, s);
    CO_ASSERT(agent);
    EXPECT_EQ(agent->microphone(), nullptr);
    const auto published = co_await wait_for(self, *agent, Type::track_published, "caller");
    CO_ASSERT(published);
    EXPECT_FALSE(co_await wait_for(self, *agent, Type::track_subscribed, "caller", 500ms));
    agent->subscribe(published->track_sid, true);
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
  }(*this));
}

TEST_F(InRooms, DataAndTextStreams_ArriveInOrder) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    auto& streams = caller->messages().text_streams("lk.chat");
    CO_ASSERT_OK(co_await agent->messages().send_data("hello", "topic", true, {}, self.loop.in(5s)));
    const auto data = co_await wait_for(self, *caller, Type::data, "agent");
    CO_ASSERT(data);
    EXPECT_EQ(data->topic, "topic");
    EXPECT_EQ(data->data, "hello");
    const std::string text(40'000, 'x');
    CO_ASSERT_OK(co_await agent->messages().send_text(text, {.topic = "lk.chat"}, self.loop.in(5s)));
    const auto stream = co_await streams.pop(self.loop.in(5s));
    CO_ASSERT_OK(stream);
    const auto read = co_await (*stream)->read_all(self.loop.in(5s));
    CO_ASSERT_OK(read);
    EXPECT_EQ(*read, text);
    EXPECT_EQ((*stream)->info().sender, "agent");
    CO_ASSERT_OK(co_await agent->messages().send_dtmf("5", {}, self.loop.in(5s)));
    const auto digit = co_await wait_for(self, *caller, Type::dtmf, "agent");
    CO_ASSERT(digit);
    EXPECT_EQ(digit->digit, '5');
  }(*this));
}

TEST_F(InRooms, PermissionToPublishTakenAndGivenBack_TrackGoesAndComes) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *agent, Type::local_track_published));
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    CO_ASSERT_OK(co_await self.permit("agent", false));
    CO_ASSERT(co_await wait_for(self, *agent, Type::permission_changed, "agent"));
    EXPECT_FALSE(agent->local().permission.can_publish);
    EXPECT_FALSE(agent->microphone()->can_deliver());
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_unpublished, "agent"));
    CO_ASSERT_OK(co_await self.permit("agent", true));
    CO_ASSERT(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    CO_ASSERT(co_await until(self, 5s, [&] { return agent->microphone()->can_deliver(); }));
    EXPECT_TRUE(co_await hears(self, *agent, *caller, 440));
  }(*this));
}

TEST_F(InRooms, WrongSecret_IsRefusedWithTheServersWords) {
  run([](InRooms& self) -> Task<void> {
    auto s = self.settings("agent");
    auto others = self.credentials;
    others.api_secret += "-of-another-server";
    std::swap(self.credentials, others);
    s.token = self.token("agent");
    std::swap(self.credentials, others);
    const auto room = self.make(s);
    const auto joined = co_await room->connect(self.loop.in(10s));
    CO_ASSERT(!joined);
    EXPECT_EQ(joined.error().code(), Errc::refused);
    EXPECT_NE(joined.error().message().find("401"), std::string::npos) << joined.error().message();
    EXPECT_EQ(room->state(), RoomState::closed);
    const auto ended = co_await wait_for(self, *room, Type::disconnected);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::join_failure);
  }(*this));
}

TEST_F(InRooms, ExpiredToken_IsRefusedAtOnce) {
  run([](InRooms& self) -> Task<void> {
    auto s = self.settings("agent");
    TokenClaims claims{.identity = "agent", .valid_for = 1s};
    claims.video.room = self.name;
    claims.video.room_join = true;
    s.token = make_token(self.credentials, claims, self.loop.clock().wall() - std::chrono::hours(1)).value();
    const auto room = self.make(s);
    const auto began = self.loop.now();
    const auto joined = co_await room->connect(self.loop.in(10s));
    CO_ASSERT(!joined);
    EXPECT_EQ(joined.error().code(), Errc::refused);
    EXPECT_LT(self.loop.now() - began, 2s) << "it is not tried again";
  }(*this));
}

TEST_F(InRooms, NobodyListensThere_IsUnavailable) {
  run([](InRooms& self) -> Task<void> {
    auto s = self.settings("agent");
    s.url = "ws://127.0.0.1:1";
    const auto room = self.make(s);
    const auto joined = co_await room->connect(self.loop.in(10s));
    CO_ASSERT(!joined);
    EXPECT_EQ(joined.error().code(), Errc::unavailable) << joined.error().message();
    EXPECT_TRUE((co_await room->close(self.loop.in(3s))).clean());
  }(*this));
}

// The server has no address of our family.
TEST_F(InRooms, NoUdpPath_IsSaidInPlainWordsWithinSeconds) {
  run([](InRooms& self) -> Task<void> {
    auto s = self.settings("agent");
    s.connection.bind_address = "::1";
    const auto room = self.make(s);
    const auto began = self.loop.now();
    const auto joined = co_await room->connect(self.loop.in(10s));
    CO_ASSERT(!joined);
    EXPECT_EQ(joined.error().code(), Errc::unavailable);
    EXPECT_NE(joined.error().message().find("no UDP path"), std::string::npos) << joined.error().message();
    EXPECT_NE(joined.error().message().find("rtc.udp_port"), std::string::npos);
    EXPECT_NE(joined.error().message().find("tried 127.0.0.1:"), std::string::npos) << joined.error().message();
    EXPECT_LT(self.loop.now() - began, 6s);
  }(*this));
}

TEST_F(InRooms, RoomIsDestroyedWhileItJoins_NothingIsLeftBehind) {
  run([](InRooms& self) -> Task<void> {
    for (int ms = 0; ms < 60; ms += 5) {
      auto room = self.make(self.settings("agent"));
      (void)co_await within(self.loop.in(ms * 1ms), room->connect(self.loop.in(10s)));
      room.reset();
    }
    EXPECT_TRUE(co_await until(self, 5s, [&] { return self.engine->counts().connections == 0; }));
  }(*this));
}

TEST_F(InRooms, FiftyJoinsAndLeaves_DescriptorsAndThreadsStayFlat) {
  run([](InRooms& self) -> Task<void> {
    std::vector<double> joins, leaves;
    std::size_t descriptors_then = 0, threads_then = 0;
    for (int n = 0; n < 50; ++n) {
      const auto began = self.loop.now();
      const auto room = co_await join(self, fmt::format("agent {}", n));
      CO_ASSERT(room);
      joins.push_back(to_ms(self.loop.now() - began));
      const auto leaving = self.loop.now();
      const auto report = co_await room->close(self.loop.in(3s));
      leaves.push_back(to_ms(self.loop.now() - leaving));
      EXPECT_TRUE(report.clean()) << to_string(report);
      if (n == 4) {
        descriptors_then = descriptors();
        threads_then = threads();
      }
    }
    EXPECT_TRUE(co_await until(self, 5s, [&] { return self.engine->counts().connections == 0; }));
    EXPECT_TRUE(co_await until(self, 5s, [&] { return descriptors() <= descriptors_then; })) << descriptors();
    EXPECT_LE(threads(), threads_then + ThreadPool::kMaxThreads) << "helper threads come as they are needed, and stay";
    std::ranges::sort(joins);
    std::ranges::sort(leaves);
    fmt::print("join: median {:.1f} ms, p95 {:.1f} ms; leave: median {:.1f} ms, p95 {:.1f} ms\n", joins[25], joins[47],
               leaves[25], leaves[47]);
    EXPECT_TRUE(co_await empties(self)) << "somebody was left behind";
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
