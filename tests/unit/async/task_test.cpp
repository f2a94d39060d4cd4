#include <memory>
#include <string>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/async/mailbox.hpp>

#include "fixture.hpp"

namespace parley {
namespace {

using Tasks = OneLoop;

Task<int> add(int a, int b) { co_return a + b; }

Task<int> add_slowly(int a, int b) {
  co_await sleep_for(10ms);
  co_return co_await add(a, b);
}

Task<int> throws_late() {
  co_await sleep_for(1ms);
  throw std::runtime_error("too late");
}

TEST_F(Tasks, ResultsAndExceptions_ComeBackThroughEveryLevel) {
  int sum = 0;
  std::string what;
  start("main", [](int& s, std::string& w) -> Task<void> {
    s = co_await add_slowly(1, 2) + co_await add(3, 4);
    try {
      co_await throws_late();
    } catch (const std::exception& error) {
      w = error.what();
    }
  }(sum, what));
  run_to_end();
  EXPECT_EQ(sum, 10);
  EXPECT_EQ(what, "too late");
}

TEST_F(Tasks, TaskThatIsNeverAwaited_NeverRuns) {
  bool ran = false;
  {
    auto task = [](bool& r) -> Task<void> {
      r = true;
      co_return;
    }(ran);
  }
  EXPECT_FALSE(ran);
}

struct Recorder {
  Recorder(std::vector<std::string>& l, std::string n) : log(l), name(std::move(n)) {}
  ~Recorder() { log.push_back(name); }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  std::vector<std::string>& log;
  std::string name;
};

Task<void> inner(std::vector<std::string>& log) {
  const Recorder recorder(log, "inner");
  co_await sleep_for(1h);
  log.push_back("never");
}

Task<void> outer(std::vector<std::string>& log) {
  const Recorder recorder(log, "outer");
  co_await inner(log);
  log.push_back("never");
}

TEST_F(Tasks, DestroyedWhileSuspended_LocalsGoInnermostFirstAndNothingRunsAgain) {
  std::vector<std::string> log;
  start("chain", outer(log));
  world.run_for(1s);
  scope->kill();
  EXPECT_EQ(log, (std::vector<std::string>{"inner", "outer"}));
  EXPECT_EQ(loop.counters().forced, 1u);
}

TEST_F(Tasks, HundredThousandCompletionsInARow_DoNotGrowTheStack) {
  long sum = 0;
  start("loop", [](long& s) -> Task<void> {
    for (int i = 0; i < 100'000; ++i) s += co_await add(i, 0);
  }(sum));
  run_to_end();
  EXPECT_EQ(sum, 4'999'950'000);
}

TEST_F(Tasks, Stopped_IsNoStdException_AndEndsTheTaskQuietly) {
  bool application_caught = false;
  start("main", [](bool& caught) -> Task<void> {
    try {
      co_await sleep_for(1h);
    } catch (const std::exception&) {
      caught = true;
    }
  }(application_caught));
  world.run_for(1ms);
  scope->request_stop({StopCause::caller_hung_up, {}});
  run_to_end(1ms);
  EXPECT_FALSE(application_caught);
  EXPECT_EQ(loop.counters().forced, 0u);
}

TEST_F(Tasks, TaskThatSwallowsEveryStop_TakesATurnEachTime_AndMeetsItsDeadline) {
  int swallowed = 0;
  start("stubborn", [](int& count) -> Task<void> {
    for (;;) {
      try {
        co_await sleep_for(1h);
      } catch (...) {
        ++count;
      }
    }
  }(swallowed));
  world.run_for(1ms);
  sim::SimLoop& other = world.add_loop("closer");
  Scope closer(other, "closer");
  CloseReport report;
  ASSERT_TRUE(closer.spawn("close", [](Scope& s, CloseReport& r) -> Task<void> { r = co_await s.close(s.loop().in(20ms)); }(*scope, report)));
  ASSERT_TRUE(world.run_until([&] { return closer.tasks() == 0; }, 1s)) << world.describe();
  EXPECT_GT(swallowed, 1);
  EXPECT_EQ(report.forced, 1u);
  EXPECT_EQ(report.items.at(0).name, "stubborn");
  EXPECT_GE(report.took, 20ms);
  EXPECT_LT(report.took, 21ms);
}

Task<void> counts_stops(int waits, std::vector<std::string>& log, Event& set, Channel<int>& channel, Mailbox<int>& mailbox) {
  for (int i = 0; i < waits; ++i) {
    try {
      switch (i % 5) {
        case 0: (void)co_await set.wait(Deadline::bounded_by_scope()); break;
        case 1: (void)co_await channel.pop(Deadline::bounded_by_scope()); break;
        case 2: (void)co_await channel.push(1, Deadline::bounded_by_scope()); break;
        case 3: (void)co_await mailbox.pop(Deadline::bounded_by_scope()); break;
        case 4: co_await yield(); break;
      }
      log.push_back("went on");
    } catch (const Stopped&) {
      log.push_back("stopped");
    }
  }
}

TEST_F(Tasks, ToldToStop_EveryLaterWaitThrows_EvenOneThatIsSatisfied) {
  Event set;
  set.set();
  Channel<int> channel(100);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(channel.try_push(i));
  Mailbox<int> mailbox(loop, 100);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(mailbox.sender().try_push(i));
  std::vector<std::string> log;
  start("stubborn", counts_stops(20, log, set, channel, mailbox));
  scope->request_stop({StopCause::caller_hung_up, {}});
  run_to_end();
  EXPECT_EQ(log, std::vector<std::string>(20, "stopped"));
  EXPECT_EQ(channel.size(), 50u) << "nothing is taken or given by a wait that throws";
}

TEST_F(Tasks, StoppedBetweenBeingWokenAndItsTurn_TheNextWaitThrowsAtOnce) {
  Event event;
  Duration until_stopped = 1h;
  start("main", [](Event& e, Duration& took) -> Task<void> {
    auto& own = co_await this_loop();
    (void)co_await e.wait(Deadline::bounded_by_scope());
    const auto began = own.now();
    try {
      co_await sleep_for(1h);
    } catch (const Stopped&) {
      took = own.now() - began;
      throw;
    }
  }(event, until_stopped));
  world.run_for(1ms);
  event.set();
  scope->request_stop({StopCause::caller_hung_up, {}});
  run_to_end();
  EXPECT_LE(until_stopped, 2 * sim::World::kStepCost) << "it had swallowed no stop before";
}

TEST_F(Tasks, TaskThatFindsEverythingReady_StillLetsOthersRun) {
  Event always;
  always.set();
  bool other_ran = false;
  start("greedy", [](Event& e, bool& other) -> Task<void> {
    while (!other) (void)co_await e.wait(Deadline::bounded_by_scope());
  }(always, other_ran));
  start("other", [](bool& ran) -> Task<void> {
    ran = true;
    co_return;
  }(other_ran));
  run_to_end(1s);
  EXPECT_TRUE(other_ran);
}

TEST_F(Tasks, SleepEndsAtItsTime_InTheOrderOfTheDeadlines) {
  std::vector<int> order;
  for (const int ms : {30, 10, 20}) {
    start("sleeper", [](int m, std::vector<int>& o) -> Task<void> {
      co_await sleep_for(std::chrono::milliseconds(m));
      o.push_back(m);
    }(ms, order));
  }
  const auto began = world.now();
  run_to_end();
  EXPECT_EQ(order, (std::vector<int>{10, 20, 30}));
  EXPECT_GE(world.now() - began, 30ms);
  EXPECT_LT(world.now() - began, 31ms);
}

TEST_F(Tasks, EventSetBeforeTheWait_OrDuringIt_OrNever) {
  Event event;
  std::vector<std::string> log;
  start("waits", [](Event& e, std::vector<std::string>& l) -> Task<void> {
    auto& own = co_await this_loop();
    const auto early = co_await e.wait(own.in(5ms));
    l.push_back(early ? "set" : std::string(to_string(early.error().code())));
    const auto late = co_await e.wait(own.in(1s));
    l.push_back(late ? "set" : "timeout");
    const auto again = co_await e.wait(own.in(1s));
    l.push_back(again ? "set" : "timeout");
  }(event, log));
  world.run_for(10ms);
  event.set();
  run_to_end(1ms);
  EXPECT_EQ(log, (std::vector<std::string>{"timeout", "set", "set"}));
}

}  // namespace
}  // namespace parley
