#include <parley/async/within.hpp>

#include "fixture.hpp"

namespace parley {
namespace {

using WithinDeadline = OneLoop;

Task<int> after(Duration d, int value) {
  co_await sleep_for(d);
  co_return value;
}

Task<Result<int>> refuses() { co_return fail(Errc::refused, "no"); }

Task<void> deaf(bool& destroyed) {
  struct OnEnd {
    bool& flag;
    ~OnEnd() { flag = true; }
  } on_end{destroyed};
  for (;;) {
    try {
      co_await sleep_for(1h);
    } catch (...) {
    }
  }
}

TEST_F(WithinDeadline, DoneInTime_GivesTheResult) {
  Result<int> result;
  start("main", [](Result<int>& r) -> Task<void> {
    auto& own = co_await this_loop();
    r = co_await within(own.in(1s), after(10ms, 7));
  }(result));
  run_to_end(100ms);
  EXPECT_EQ(result, 7);
}

TEST_F(WithinDeadline, ResultsOfTheTask_AreNotWrappedTwice) {
  Result<int> result;
  start("main", [](Result<int>& r) -> Task<void> {
    auto& own = co_await this_loop();
    r = co_await within(own.in(1s), refuses());
  }(result));
  run_to_end(100ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Errc::refused);
}

TEST_F(WithinDeadline, TaskThatListensToNothing_IsDestroyedAtTheDeadline) {
  bool destroyed = false;
  Errc code{};
  start("main", [](bool& d, Errc& c) -> Task<void> {
    auto& own = co_await this_loop();
    const auto result = co_await within(own.in(50ms), deaf(d));
    c = result ? Errc::internal : result.error().code();
  }(destroyed, code));
  const auto began = world.now();
  run_to_end(1s);
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(code, Errc::timeout);
  EXPECT_LT(world.now() - began, 51ms);
}

TEST_F(WithinDeadline, StopReachesTheInnermostWait) {
  bool stopped = false;
  start("main", [](bool& s) -> Task<void> {
    auto& own = co_await this_loop();
    try {
      (void)co_await within(own.in(1h), after(1h, 0));
    } catch (const Stopped& stop) {
      s = stop.reason.cause == StopCause::limit;
      throw;
    }
  }(stopped));
  world.run_for(1ms);
  scope->request_stop({StopCause::limit, "an hour"});
  run_to_end(1ms);
  EXPECT_TRUE(stopped);
}

TEST_F(WithinDeadline, DoneExactlyAtTheDeadline_EndsOnceWhicheverComesFirst) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    sim::World tie(seed);
    auto& own_loop = tie.add_loop("tie");
    Scope own_scope(own_loop, "tie");
    int ends = 0;
    ASSERT_TRUE(own_scope.spawn("main", [](int& e) -> Task<void> {
      auto& own = co_await this_loop();
      (void)co_await within(own.in(10ms), after(10ms, 1));
      ++e;
    }(ends)));
    ASSERT_TRUE(tie.run_until([&] { return own_scope.tasks() == 0; }, 1s)) << tie.describe();
    EXPECT_EQ(ends, 1) << tie.describe();
  }
}

}  // namespace
}  // namespace parley
