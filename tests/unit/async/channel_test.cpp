#include <parley/async/channel.hpp>

#include <algorithm>

#include <memory>
#include <vector>

#include "fixture.hpp"

namespace parley {
namespace {

using Channels = OneLoop;

Task<void> pop_all(Channel<int>& channel, std::vector<int>& out) {
  for (;;) {
    auto value = co_await channel.pop(Deadline::bounded_by_scope());
    if (!value) co_return;
    out.push_back(*value);
  }
}

Task<void> push_range(Channel<int>& channel, int from, int to) {
  for (int i = from; i < to; ++i) (void)co_await channel.push(i, Deadline::bounded_by_scope());
}

TEST_F(Channels, Full_PushWaits_AndOrderIsKept) {
  Channel<int> channel(3);
  std::vector<int> out;
  start("producer", [](Channel<int>& c) -> Task<void> {
    co_await push_range(c, 0, 100);
    c.close();
  }(channel));
  start("consumer", pop_all(channel, out));
  run_to_end();
  ASSERT_EQ(out.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i);
}

TEST_F(Channels, Full_TryPushRefusesAndCounts) {
  Channel<int> channel(2);
  EXPECT_TRUE(channel.try_push(1));
  EXPECT_TRUE(channel.try_push(2));
  EXPECT_FALSE(channel.try_push(3));
  EXPECT_EQ(channel.refused(), 1u);
  EXPECT_EQ(channel.try_pop(), 1);
  EXPECT_TRUE(channel.try_push(4));
  EXPECT_EQ(channel.try_pop(), 2);
  EXPECT_EQ(channel.try_pop(), 4);
  EXPECT_EQ(channel.try_pop(), std::nullopt);
}

TEST_F(Channels, Closed_WhatIsInsideIsDelivered_ThenClosing) {
  Channel<int> channel(4);
  ASSERT_TRUE(channel.try_push(1));
  ASSERT_TRUE(channel.try_push(2));
  channel.close();
  EXPECT_FALSE(channel.try_push(3));
  std::vector<int> out;
  start("consumer", pop_all(channel, out));
  run_to_end();
  EXPECT_EQ(out, (std::vector<int>{1, 2}));
}

TEST_F(Channels, NobodyComes_PopAndPushEndAtTheirDeadlines) {
  Channel<int> channel(1);
  std::vector<Errc> codes;
  start("main", [](Channel<int>& c, std::vector<Errc>& out) -> Task<void> {
    auto& own = co_await this_loop();
    const auto popped = co_await c.pop(own.in(10ms));
    if (!popped) out.push_back(popped.error().code());
    (void)co_await c.push(1, own.in(10ms));
    const auto pushed = co_await c.push(2, own.in(10ms));
    if (!pushed) out.push_back(pushed.error().code());
  }(channel, codes));
  run_to_end();
  EXPECT_EQ(codes, (std::vector<Errc>{Errc::timeout, Errc::timeout}));
  EXPECT_EQ(channel.size(), 1u);
}

TEST_F(Channels, PopperKilledWithAValueInHand_TheNextOneGetsIt) {
  Channel<std::unique_ptr<int>> channel(1);
  auto pop_one = [](Channel<std::unique_ptr<int>>& c, int& got) -> Task<void> {
    auto value = co_await c.pop(Deadline::bounded_by_scope());
    if (value) got = **value;
  };
  int first = 0, second = 0;
  Scope doomed(*scope, "doomed");
  ASSERT_TRUE(doomed.spawn("first", pop_one(channel, first)));
  world.run_for(1ms);
  ASSERT_TRUE(channel.try_push(std::make_unique<int>(42)));  // handed to the first, which has not run yet
  doomed.kill();
  start("second", pop_one(channel, second));
  run_to_end(1s);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 42);
}

TEST_F(Channels, ValuesGivenBackAboveTheCapacity_NoPusherIsLetInUntilThereIsRoom) {
  Channel<int> channel(1);
  std::vector<int> out;
  Scope doomed(*scope, "doomed");
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(doomed.spawn("popper", pop_all(channel, out)));
  world.run_for(1ms);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(channel.try_push(i));  // three are handed over, one is queued
  doomed.kill();
  ASSERT_EQ(channel.size(), 4u);
  start("pusher", push_range(channel, 4, 6));
  world.run_for(1ms);
  ASSERT_TRUE(channel.try_pop());
  EXPECT_EQ(channel.size(), 3u);
  while (channel.try_pop()) world.run_for(1ms);
  run_to_end();
}

TEST_F(Channels, ManyProducersAndConsumers_EveryValueArrivesOnce_OnEverySchedule) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim::World other(seed);
    Channel<int> channel(2);
    std::vector<int> out;
    Scope own(other.add_loop("own"), "own");
    for (int p = 0; p < 4; ++p) ASSERT_TRUE(own.spawn("producer", push_range(channel, p * 10, p * 10 + 10)));
    for (int c = 0; c < 3; ++c) ASSERT_TRUE(own.spawn("consumer", pop_all(channel, out)));
    ASSERT_TRUE(other.run_until([&] { return out.size() == 40; }, 1s)) << other.describe();
    std::ranges::sort(out);
    for (int i = 0; i < 40; ++i) ASSERT_EQ(out[static_cast<std::size_t>(i)], i) << other.describe();
  }
}

}  // namespace
}  // namespace parley
