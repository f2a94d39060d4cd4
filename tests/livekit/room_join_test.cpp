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
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    EXPECT_TRUE(co_await wait_for(self, *caller, Type::track_subscribed, "agent"));
    fmt::print("subscribed after {:.1f} ms\n", to_ms(self.loop.now() - began));
    const auto at_agent = co_await listen(self, *caller, *agent, 440, 75);
    const auto at_caller = co_await listen(self, *agent, *caller, 1000, 75);
    CO_ASSERT(at_agent.size() > kTransportRate && at_caller.size() > kTransportRate);
    EXPECT_GT(share_at(440, Samples(at_agent).last(kTransportRate / 2)), 0.95);
    EXPECT_GT(share_at(1000, Samples(at_caller).last(kTransportRate / 2)), 0.95);
    EXPECT_NEAR(level_dbov(Samples(at_agent).last(kTransportRate / 2)), level_dbov(tone(440, 0).samples), 1.5F);
    EXPECT_TRUE(agent->microphone()->subscribed().is_set());
    EXPECT_TRUE(co_await wait_for(self, *agent, Type::local_track_subscribed, "agent", 3s));
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
