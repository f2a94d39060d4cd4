#include "worker/event_log.hpp"

#include <gtest/gtest.h>

#include <parley/async/scope.hpp>

#include "sim/world.hpp"

namespace parley::worker {
namespace {

class EventLogTest : public ::testing::Test {
 protected:
  EventLogTest() : loop(world.add_loop("test")), scope(loop, "root") {}

  // Everything that a watcher gets before it is told to come back or that the call has ended.
  std::pair<std::vector<std::uint64_t>, Errc> read(CallWatch& watch) {
    std::pair<std::vector<std::uint64_t>, Errc> got{{}, Errc::internal};
    (void)scope.spawn("read", [](CallWatch& w, Loop& l, auto& out) -> Task<void> {
      for (;;) {
        auto event = co_await w.next(l.in(1s));
        if (!event) {
          out.second = event.error().code();
          co_return;
        }
        out.first.push_back(event->id);
      }
    }(watch, loop, got));
    EXPECT_TRUE(world.run_until([&] { return scope.tasks() == 0; }, 1min));
    return got;
  }

  sim::World world{1};
  sim::SimLoop& loop;
  std::shared_ptr<EventLog> log = std::make_shared<EventLog>();
  Scope scope;
};

TEST_F(EventLogTest, CutOffWatcher_GoesOnWhereItWas) {
  for (std::uint64_t id = 1; id <= 5; ++id) log->add(id, "said", "{}");
  auto watch = log->watch(3);
  ASSERT_TRUE(watch);
  EXPECT_EQ(read(**watch), (std::pair{std::vector<std::uint64_t>{4, 5}, Errc::timeout}));
}

TEST_F(EventLogTest, EventsSaidTwice_AreHeardOnce) {
  for (std::uint64_t id : {1u, 2u, 1u, 2u, 3u}) log->add(id, "said", "{}");
  log->close();
  auto watch = log->watch(0);
  EXPECT_EQ(read(**watch), (std::pair{std::vector<std::uint64_t>{1, 2, 3}, Errc::closing}));
}

TEST_F(EventLogTest, WatcherThatFallsBehind_IsCutOff) {
  log->add(1, "said", "{}");
  auto watch = log->watch(0);
  ASSERT_TRUE(scope.spawn("first", [](CallWatch& w) -> Task<void> { (void)co_await w.next(Deadline::bounded_by_scope()); }(**watch)));
  ASSERT_TRUE(world.run_until([&] { return scope.tasks() == 0; }, 1s));
  for (std::uint64_t id = 2; id < 2000; ++id) log->add(id, "said", "{}");
  EXPECT_EQ(read(**watch).second, Errc::overloaded);
}

TEST_F(EventLogTest, IsBoundedInBytes) {
  for (std::uint64_t id = 1; id <= 100; ++id) log->add(id, "said", std::string(64 * KiB, 'x'));
  auto watch = log->watch(0);
  EXPECT_LE(read(**watch).first.size(), EventLog::kMaxBytes / (64 * KiB));
}

TEST_F(EventLogTest, TooManyWatchers_AreRefused_AndOneThatLeavesMakesRoom) {
  std::vector<std::unique_ptr<CallWatch>> watches;
  for (std::size_t i = 0; i < EventLog::kMaxWatchers; ++i) watches.push_back(*log->watch(0));
  EXPECT_EQ(log->watch(0).error().code(), Errc::overloaded);
  watches.pop_back();
  EXPECT_TRUE(log->watch(0));
}

}  // namespace
}  // namespace parley::worker
