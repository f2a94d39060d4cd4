#include <string>
#include <vector>

#include <parley/async/blocking.hpp>
#include <parley/async/channel.hpp>
#include <parley/async/mailbox.hpp>

#include "fixture.hpp"

namespace parley {
namespace {

Task<void> chatter(std::vector<std::string>& log, std::string name) {
  for (int i = 0; i < 5; ++i) {
    co_await yield();
    log.push_back(name);
  }
}

std::vector<std::string> schedule_of(std::uint64_t seed) {
  sim::World world(seed);
  std::vector<std::string> log;
  Scope a(world.add_loop("a"), "a");
  Scope b(world.add_loop("b"), "b");
  EXPECT_TRUE(a.spawn("1", chatter(log, "a1")));
  EXPECT_TRUE(a.spawn("2", chatter(log, "a2")));
  EXPECT_TRUE(b.spawn("1", chatter(log, "b1")));
  EXPECT_TRUE(world.run_until([&] { return log.size() == 15; }, 1s)) << world.describe();
  return log;
}

TEST(World, OneSeed_OneSchedule) {
  EXPECT_EQ(schedule_of(7), schedule_of(7));
  EXPECT_NE(schedule_of(7), schedule_of(8));
}

TEST(World, SeveralLoops_ShareOneClock) {
  sim::World world(1);
  std::vector<TimePoint> woke;
  Scope a(world.add_loop("a"), "a");
  Scope b(world.add_loop("b"), "b");
  auto sleeper = [](std::vector<TimePoint>& w) -> Task<void> {
    auto& own = co_await this_loop();
    co_await sleep_for(10s);
    w.push_back(own.now());
  };
  ASSERT_TRUE(a.spawn("s", sleeper(woke)));
  ASSERT_TRUE(b.spawn("s", sleeper(woke)));
  ASSERT_TRUE(world.run_until([&] { return woke.size() == 2; }, 11s));
  EXPECT_LT(woke[1] - woke[0], 1ms);
}

TEST(World, Deadlock_IsSeenAtOnce) {
  sim::World world(1);
  Event never;
  Scope a(world.add_loop("a"), "a");
  ASSERT_TRUE(a.spawn("stuck", [](Event& e) -> Task<void> { (void)co_await e.wait(Deadline::bounded_by_scope()); }(never)));
  EXPECT_FALSE(world.run_until([&] { return a.tasks() == 0; }, 1h));
  EXPECT_LT(world.steps(), 10u);
  EXPECT_EQ(a.task_names(), (std::vector<std::string>{"stuck"}));
}

TEST(World, BlockingCall_TakesVirtualTime_AndAHangingOneMeetsItsDeadline) {
  sim::World world(1);
  auto& loop = world.add_loop("a");
  std::vector<std::string> log;
  Scope a(loop, "a");
  ASSERT_TRUE(a.spawn("main", [](sim::SimLoop& own, std::vector<std::string>& l) -> Task<void> {
    own.blocking().set_duration(300ms);
    const auto began = own.now();
    const auto value = co_await run_blocking<int>(own.in(1s), [] { return 7; });
    l.push_back(value && *value == 7 && own.now() - began >= 300ms ? "done" : "wrong");
    own.blocking().hang(true);
    const auto never = co_await run_blocking<int>(own.in(1s), [] { return 8; });
    l.push_back(never ? "wrong" : std::string(to_string(never.error().code())));
  }(loop, log)));
  ASSERT_TRUE(world.run_until([&] { return a.tasks() == 0; }, 5s)) << world.describe();
  EXPECT_EQ(log, (std::vector<std::string>{"done", "timeout"}));
}

TEST(World, DurationBeyondTheEndOfTime_IsADeadlineThatNeverComes) {
  sim::World world(1);
  auto& loop = world.add_loop("a");
  const auto forever = Deadline::bounded_by_scope();
  EXPECT_EQ(loop.in(Duration::max()), forever);
  EXPECT_EQ(loop.in(forever.left(loop.now())), forever) << "what is left of no deadline is no deadline";
  EXPECT_EQ(loop.in(-1s), Deadline(loop.now() - 1s));
}

TEST(World, MailboxBetweenTwoLoops_WakesTheOtherOne) {
  sim::World world(3);
  auto& a = world.add_loop("a");
  auto& b = world.add_loop("b");
  Mailbox<int> mailbox(b, 8);
  std::vector<int> got;
  Scope sender(a, "sender");
  Scope receiver(b, "receiver");
  ASSERT_TRUE(receiver.spawn("pop", [](Mailbox<int>& m, std::vector<int>& g) -> Task<void> {
    auto& own = co_await this_loop();
    while (auto value = co_await m.pop(own.in(1s))) g.push_back(*value);
  }(mailbox, got)));
  ASSERT_TRUE(sender.spawn("push", [](Mailbox<int>::Sender s) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      co_await sleep_for(10ms);
      s.try_push(i);
    }
  }(mailbox.sender())));
  ASSERT_TRUE(world.run_until([&] { return receiver.tasks() == 0; }, 5s)) << world.describe();
  EXPECT_EQ(got, (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace parley
