// One rule for everything that a task can wait for: once it was told to stop, a wait throws, and does nothing besides.
#include <functional>
#include <string>

#include <parley/async/blocking.hpp>
#include <parley/async/callback.hpp>
#include <parley/async/channel.hpp>
#include <parley/async/mailbox.hpp>
#include <parley/async/within.hpp>

#include "fixture.hpp"

namespace parley {
namespace {

constexpr auto kForEver = Deadline::bounded_by_scope();

// What the waits of the table wait for. All of it is there already, so that nothing but the stop can hold them back.
struct Bench {
  explicit Bench(Loop& loop) : letters(loop, 4), idle(loop, "idle") {
    holding.try_push(1);
    letters.sender().try_push(1);
    happened.set();
  }

  Channel<int> holding{1};
  Channel<int> empty{1};
  Mailbox<int> letters;
  Event happened;
  Scope idle;
  bool began = false;

  bool untouched() const { return holding.size() == 1 && empty.empty() && !letters.empty() && !began; }
};

Task<void> asks(Bench& bench) {
  (void)co_await from_callback<int>(kForEver, [&](Callback<int> done) {
    bench.began = true;
    done(1);
  });
}

Task<void> blocks(Bench& bench) {
  (void)co_await run_blocking<int>(kForEver, [&] {
    bench.began = true;
    return 1;
  });
}

struct Wait {
  std::string name;
  std::function<Task<void>(Bench&)> run;
  bool touches = true;  // the bench, when nobody says stop
};

std::vector<Wait> every_wait() {
  return {
      {"SleepFor", [](Bench&) -> Task<void> { co_await sleep_for(0ms); }, false},
      {"SleepUntil", [](Bench&) -> Task<void> { co_await sleep_until(TimePoint{}); }, false},
      {"Yield", [](Bench&) -> Task<void> { co_await yield(); }, false},
      {"Event", [](Bench& b) -> Task<void> { (void)co_await b.happened.wait(kForEver); }, false},
      {"ChannelPop", [](Bench& b) -> Task<void> { (void)co_await b.holding.pop(kForEver); }},
      {"ChannelPush", [](Bench& b) -> Task<void> { (void)co_await b.empty.push(2, kForEver); }},
      {"Mailbox", [](Bench& b) -> Task<void> { (void)co_await b.letters.pop(kForEver); }},
      {"FromCallback", asks},
      {"RunBlocking", blocks},
      {"Within", [](Bench& b) -> Task<void> { (void)co_await within(kForEver, asks(b)); }},
      {"WaitIdle", [](Bench& b) -> Task<void> { (void)co_await b.idle.wait_idle(kForEver); }, false},
      {"Close", [](Bench& b) -> Task<void> { (void)co_await b.idle.close(kForEver); }, false},
  };
}

// Swallows `swallowed` stops before it comes to the wait.
Task<void> deaf_then(Wait wait, Bench& bench, int swallowed, std::string& outcome) {
  for (int i = 0; i < swallowed; ++i) {
    try {
      co_await sleep_for(1h);
    } catch (const Stopped&) {
    }
  }
  outcome = "went on";
  try {
    co_await wait.run(bench);
  } catch (const Stopped& stopped) {
    outcome = to_string(stopped.reason.cause);
  }
}

class StoppedWaits : public ::testing::TestWithParam<Wait> {};

TEST_P(StoppedWaits, AfterNoneOrSeveralSwallowedStops_Throws_AndDoesNothingBesides) {
  for (const int swallowed : {0, 1, 3}) {
    sim::World world(7);
    auto& loop = world.add_loop("test");
    Bench bench(loop);
    std::string outcome;
    Scope scope(loop, "root");
    ASSERT_TRUE(scope.spawn("deaf", deaf_then(GetParam(), bench, swallowed, outcome)));
    if (swallowed > 0) world.run_for(1ms);
    scope.request_stop({StopCause::limit, {}});
    ASSERT_TRUE(world.run_until([&] { return scope.tasks() == 0; }, 1s)) << world.describe();
    EXPECT_EQ(outcome, "limit") << swallowed << " stops swallowed before";
    EXPECT_TRUE(bench.untouched()) << swallowed << " stops swallowed before";
  }
}

TEST_P(StoppedWaits, NotToldToStop_TheSameWaitsDoWhatTheyAreFor) {
  sim::World world(7);
  auto& loop = world.add_loop("test");
  Bench bench(loop);
  std::string outcome;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("task", deaf_then(GetParam(), bench, 0, outcome)));
  ASSERT_TRUE(world.run_until([&] { return scope.tasks() == 0; }, 1s)) << world.describe();
  EXPECT_EQ(outcome, "went on");
  EXPECT_EQ(bench.untouched(), !GetParam().touches);
}

INSTANTIATE_TEST_SUITE_P(Every, StoppedWaits, ::testing::ValuesIn(every_wait()), [](const auto& each) { return each.param.name; });

TEST(StoppedClose, ToldToStopBefore_TheEndingIsBegunAllTheSame) {
  sim::World world(7);
  auto& loop = world.add_loop("test");
  Bench bench(loop);
  std::string outcome;
  Scope scope(loop, "root");
  ASSERT_TRUE(scope.spawn("deaf", deaf_then(every_wait().back(), bench, 1, outcome)));
  world.run_for(1ms);
  scope.request_stop({StopCause::limit, {}});
  ASSERT_TRUE(world.run_until([&] { return scope.tasks() == 0; }, 1s)) << world.describe();
  EXPECT_TRUE(bench.idle.closed());
}

}  // namespace
}  // namespace parley
