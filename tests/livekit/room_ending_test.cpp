// Every end reason reaches the application as itself, and nothing is left behind.
#include "room_fixture.hpp"

namespace parley::livekit {
namespace {

TEST_F(InRooms, ParticipantRemoved_EndsWithThatReason) {
  run([](InRooms& self) -> Task<void> {
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    CO_ASSERT_OK(co_await self.api->remove_participant(self.name, "agent", self.loop.in(5s)));
    const auto ended = co_await wait_for(self, *agent, Type::disconnected);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::participant_removed);
    EXPECT_EQ(agent->state(), RoomState::closed);
    EXPECT_FALSE(agent->microphone()->can_deliver());
    EXPECT_EQ((co_await agent->events().pop(self.loop.in(1s))).error().code(), Errc::closing) << "it is the last event";
    EXPECT_TRUE((co_await agent->close(self.loop.in(3s))).clean());
  }(*this));
}

TEST_F(InRooms, RoomDeleted_EndsWithThatReasonEachTime) {
  run([](InRooms& self) -> Task<void> {
    for (int n = 0; n < 10; ++n) {
      const auto agent = co_await join(self, "agent");
      CO_ASSERT(agent);
      CO_ASSERT_OK(co_await self.api->delete_room(self.name, self.loop.in(5s)));
      const auto ended = co_await wait_for(self, *agent, Type::disconnected);
      CO_ASSERT(ended);
      EXPECT_EQ(ended->reason, DisconnectReason::room_deleted) << ended->detail;
      co_await agent->close(self.loop.in(3s));
    }
  }(*this));
}

TEST_F(InRooms, SecondOfTheSameIdentity_PutsTheFirstOut) {
  run([](InRooms& self) -> Task<void> {
    const auto first = co_await join(self, "agent");
    const auto other = co_await join(self, "caller");
    CO_ASSERT(first && other);
    const auto second = co_await join(self, "agent");
    CO_ASSERT(second);
    const auto ended = co_await wait_for(self, *first, Type::disconnected);
    CO_ASSERT(ended);
    EXPECT_EQ(ended->reason, DisconnectReason::duplicate_identity);
    EXPECT_EQ(second->state(), RoomState::connected);
    CO_ASSERT(co_await until(self, 5s, [&] {
      const auto* seen = other->participant("agent");
      return seen != nullptr && seen->sid == second->local().sid;
    }));
  }(*this));
}

TEST_F(InRooms, OtherLeaves_ItsReasonIsToldAtOnce) {
  run([](InRooms& self) -> Task<void> {
    const auto caller = co_await join(self, "caller");
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(caller && agent);
    CO_ASSERT(co_await wait_for(self, *agent, Type::track_subscribed, "caller"));
    const auto began = self.loop.now();
    caller->request_stop({StopCause::caller_hung_up, {}});
    const auto left = co_await wait_for(self, *agent, Type::participant_left, "caller");
    CO_ASSERT(left);
    EXPECT_EQ(left->reason, DisconnectReason::client_initiated);
    fmt::print("told after {:.1f} ms\n", to_ms(self.loop.now() - began));
    EXPECT_LT(self.loop.now() - began, 1s);
  }(*this));
}

TEST_F(InRooms, EventsThatNobodyTakes_AreBoundedAndTheLastOneIsThere) {
  run([](InRooms& self) -> Task<void> {
    const auto agent = co_await join(self, "agent");
    const auto other = co_await join(self, "caller");
    CO_ASSERT(agent && other);
    CO_ASSERT(co_await wait_for(self, *other, Type::participant_joined, "agent"));
    for (std::size_t n = 0; n < Room::kMaxEvents + 100; ++n) {
      CO_ASSERT_OK(co_await other->messages().send_data("x", "flood", true, {}, self.loop.in(5s)));
    }
    CO_ASSERT(co_await until(self, 10s, [&] { return agent->counters().events_dropped >= 100; }));
    EXPECT_LE(agent->events().size(), Room::kMaxEvents);
    co_await agent->close(self.loop.in(3s));
    const auto ended = co_await wait_for(self, *agent, Type::disconnected);
    EXPECT_TRUE(ended);
  }(*this));
}

TEST_F(InRooms, Killed_NothingIsLeftBehind) {
  run([](InRooms& self) -> Task<void> {
    const auto agent = co_await join(self, "agent");
    CO_ASSERT(agent);
    agent->kill();
    EXPECT_EQ(agent->state(), RoomState::closed);
    EXPECT_TRUE(co_await until(self, 5s, [&] { return self.engine->counts().connections == 0; }));
  }(*this));
}

}  // namespace
}  // namespace parley::livekit
