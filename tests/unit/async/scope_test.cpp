#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fixture.hpp"

namespace parley {
namespace {

using Scopes = OneLoop;

Task<void> sleeps(Duration d) { co_await sleep_for(d); }

Task<void> deaf() {
  for (;;) {
    try {
      co_await sleep_for(1h);
    } catch (...) {
    }
  }
}

Task<void> close_into(Scope& scope, Duration budget, CloseReport& report, bool& done) {
  report = co_await scope.close(scope.loop().in(budget));
  done = true;
}

std::set<std::string> names_of(const CloseReport& report, CloseOutcome outcome) {
  std::set<std::string> names;
  for (const auto& item : report.items) {
    if (item.outcome == outcome) names.insert(item.name);
  }
  return names;
}

TEST_F(Scopes, SpawnAfterAStop_IsRefused) {
  scope->request_stop({StopCause::caller_hung_up, {}});
  const auto spawned = scope->spawn("late", sleeps(1s));
  ASSERT_FALSE(spawned);
  EXPECT_EQ(spawned.error().code(), Errc::closing);
}

TEST_F(Scopes, MoreTasksThanTheBound_AreRefused) {
  Scope small(*scope, "small", 2);
  EXPECT_TRUE(small.spawn("1", sleeps(1s)));
  EXPECT_TRUE(small.spawn("2", sleeps(1s)));
  const auto third = small.spawn("3", sleeps(1s));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code(), Errc::overloaded);
  small.kill();
}

TEST_F(Scopes, FirstReasonWins) {
  scope->request_stop({StopCause::caller_hung_up, "bye"});
  scope->request_stop({StopCause::shutdown, {}});
  EXPECT_EQ(scope->stop_reason().cause, StopCause::caller_hung_up);
  EXPECT_EQ(scope->stop_reason().detail, "bye");
}

TEST_F(Scopes, Close_NamesWhatClosedAndWhatWasForced_ChildrenSideBySide) {
  Scope call(*scope, "call");
  Scope stt(call, "stt");
  Scope tts(call, "tts");
  ASSERT_TRUE(call.spawn("pump", sleeps(1h)));
  ASSERT_TRUE(stt.spawn("stream", deaf()));
  ASSERT_TRUE(tts.spawn("stream", deaf()));
  ASSERT_TRUE(tts.spawn("mixer", sleeps(1h)));
  CloseReport report;
  bool done = false;
  start("closer", close_into(call, 2s, report, done));
  const auto began = world.now();
  ASSERT_TRUE(world.run_until([&] { return done; }, 10s)) << world.describe();
  EXPECT_GE(world.now() - began, 2s);
  EXPECT_LT(world.now() - began, 2001ms) << "a budget is a maximum, never a sum";
  EXPECT_EQ(names_of(report, CloseOutcome::closed), (std::set<std::string>{"pump", "tts/mixer"}));
  EXPECT_EQ(names_of(report, CloseOutcome::forced), (std::set<std::string>{"stt/stream", "tts/stream"}));
  EXPECT_FALSE(report.clean());
}

TEST_F(Scopes, CloseWithNothingToDo_IsDoneAtOnce) {
  Scope call(*scope, "call");
  CloseReport report;
  bool done = false;
  start("closer", close_into(call, 2s, report, done));
  ASSERT_TRUE(world.run_until([&] { return done; }, 1ms));
  EXPECT_TRUE(report.clean());
}

TEST_F(Scopes, ManyCallersShareOneRun_AndTheEarliestDeadlineCounts) {
  Scope call(*scope, "call");
  ASSERT_TRUE(call.spawn("deaf", deaf()));
  CloseReport a, b;
  bool a_done = false, b_done = false;
  start("patient", close_into(call, 10s, a, a_done));
  start("hasty", close_into(call, 100ms, b, b_done));
  ASSERT_TRUE(world.run_until([&] { return a_done && b_done; }, 200ms)) << world.describe();
  EXPECT_EQ(a.forced, 1u);
  EXPECT_EQ(b.forced, 1u);
  EXPECT_EQ(loop.counters().forced, 1u);
}

TEST_F(Scopes, CallerOfCloseIsDestroyed_TheCloseGoesOn) {
  Scope call(*scope, "call");
  ASSERT_TRUE(call.spawn("deaf", deaf()));
  Scope caller(*scope, "caller");
  CloseReport report;
  bool done = false;
  ASSERT_TRUE(caller.spawn("closer", close_into(call, 50ms, report, done)));
  world.run_for(1ms);
  caller.kill();
  ASSERT_TRUE(world.run_until([&] { return call.closed(); }, 100ms)) << world.describe();
  EXPECT_FALSE(done);
}

TEST_F(Scopes, FirstCallerOfCloseDestroysTheScope_TheOthersStillGetTheReport) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sim::World other(seed);
    auto& own_loop = other.add_loop("own");
    auto call = std::make_unique<Scope>(own_loop, "call");
    ASSERT_TRUE(call->spawn("deaf", deaf()));
    Scope callers(own_loop, "callers");
    std::vector<CloseReport> reports;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(callers.spawn("closer", [](std::unique_ptr<Scope>& c, std::vector<CloseReport>& r) -> Task<void> {
        auto report = co_await c->close(c->loop().in(5ms));
        c.reset();
        r.push_back(std::move(report));
      }(call, reports)));
    }
    ASSERT_TRUE(other.run_until([&] { return callers.tasks() == 0; }, 1s)) << other.describe();
    ASSERT_EQ(reports.size(), 3u);
    for (const auto& report : reports) EXPECT_EQ(report.forced, 1u) << other.describe();
  }
}

TEST_F(Scopes, DestroyedWhileSomeoneWaitsForItToBeIdle_TheWaiterIsTold) {
  auto call = std::make_unique<Scope>(*scope, "call");
  ASSERT_TRUE(call->spawn("deaf", deaf()));
  Scope outside(loop, "outside");
  Result<void> idle;
  ASSERT_TRUE(outside.spawn("waiter", [](Scope& c, Result<void>& r) -> Task<void> {
    r = co_await c.wait_idle(Deadline::bounded_by_scope());
  }(*call, idle)));
  world.run_for(1ms);
  call.reset();
  ASSERT_TRUE(world.run_until([&] { return outside.tasks() == 0; }, 1s)) << world.describe();
  EXPECT_TRUE(idle) << "no task is left";
}

TEST_F(Scopes, CloseFromInside_StopsTheCaller_AndIsDoneInALaterTurn) {
  Scope call(*scope, "call");
  bool unwound = false, went_on = false;
  ASSERT_TRUE(call.spawn("tool", [](Scope& c, bool& u, bool& w) -> Task<void> {
    struct OnEnd {
      bool& flag;
      ~OnEnd() { flag = true; }
    } on_end{u};
    (void)co_await c.close(c.loop().in(1s));
    w = true;
  }(call, unwound, went_on)));
  ASSERT_TRUE(world.run_until([&] { return call.closed(); }, 100ms)) << world.describe();
  EXPECT_TRUE(unwound);
  EXPECT_FALSE(went_on);
  EXPECT_EQ(loop.counters().forced, 0u);
}

TEST_F(Scopes, KillFromInside_IsDeferred_TheCallerUnwinds) {
  Scope call(*scope, "call");
  Scope inner(call, "inner");
  bool destroyed = false, line_after_kill_ran = false;
  ASSERT_TRUE(inner.spawn("suicidal", [](Scope& c, bool& d, bool& l) -> Task<void> {
    struct OnEnd {
      bool& flag;
      ~OnEnd() { flag = true; }
    } on_end{d};
    c.kill();
    l = true;
    for (;;) {
      try {
        co_await sleep_for(1h);
      } catch (...) {
      }
    }
  }(call, destroyed, line_after_kill_ran)));
  ASSERT_TRUE(world.run_until([&] { return inner.tasks() == 0; }, 10ms)) << world.describe();
  EXPECT_TRUE(line_after_kill_ran);
  EXPECT_TRUE(destroyed);
}

// What a task holds may end the scope above it: a guard in its frame.
struct KillsWhenItGoes {
  explicit KillsWhenItGoes(Scope& s) : scope(s) {}
  ~KillsWhenItGoes() { scope.kill(); }
  KillsWhenItGoes(const KillsWhenItGoes&) = delete;
  KillsWhenItGoes& operator=(const KillsWhenItGoes&) = delete;
  Scope& scope;
};

Task<void> holds_a_guard(Scope& scope) {
  const KillsWhenItGoes guard(scope);
  co_await sleep_for(1h);
}

TEST_F(Scopes, KilledTaskKillsTheScopeAboveIt_WhileItIsDestroyed_EachIsKilledOnce) {
  Scope call(*scope, "call");
  bool inner_done = false;
  // The scope that is being killed lives in the frame of a task of the one above.
  ASSERT_TRUE(call.spawn("holder", [](Scope& c, bool& done) -> Task<void> {
    Scope inner(c, "inner");
    EXPECT_TRUE(inner.spawn("guarded", holds_a_guard(c)));
    co_await sleep_for(5ms);
    inner.kill();
    done = true;
    co_await sleep_for(1h);
  }(call, inner_done)));
  Scope sibling(call, "sibling");
  ASSERT_TRUE(sibling.spawn("guarded", holds_a_guard(call)));
  world.run_for(1ms);
  sibling.kill();
  EXPECT_FALSE(call.task_names().empty()) << "killed from within its own subtree, it ends in a later turn";
  ASSERT_TRUE(world.run_until([&] { return call.tasks() == 0; }, 10ms)) << world.describe();
  EXPECT_FALSE(inner_done);
}

TEST_F(Scopes, TaskKillsAnotherScope_WhoseTasksKillItsOwn_ItStillRunsToItsNextWait) {
  Scope a(*scope, "a");
  Scope b(*scope, "b");
  ASSERT_TRUE(b.spawn("guarded", holds_a_guard(a)));
  world.run_for(1ms);
  bool went_on = false;
  ASSERT_TRUE(a.spawn("killer", [](Scope& other, bool& w) -> Task<void> {
    const std::string in_frame(100, 'x');
    other.kill();
    w = in_frame.size() == 100;
    co_await sleep_for(1h);
  }(b, went_on)));
  ASSERT_TRUE(world.run_until([&] { return a.tasks() + b.tasks() == 0; }, 10ms)) << world.describe();
  EXPECT_TRUE(went_on);
}

TEST_F(Scopes, TaskThatFails_StopsItsScope_AndTheErrorIsReported) {
  Scope call(*scope, "call");
  ASSERT_TRUE(call.spawn("sibling", sleeps(1h)));
  ASSERT_TRUE(call.spawn("broken", []() -> Task<void> {
    co_await sleep_for(1ms);
    throw std::logic_error("a broken promise");
  }()));
  Result<void> idle;
  bool done = false;
  start("waiter", [](Scope& c, Result<void>& r, bool& d) -> Task<void> {
    r = co_await c.wait_idle(c.loop().in(1s));
    d = true;
  }(call, idle, done));
  ASSERT_TRUE(world.run_until([&] { return done; }, 2s)) << world.describe();
  ASSERT_FALSE(idle);
  EXPECT_EQ(idle.error().message(), "call: a broken promise");
  EXPECT_EQ(call.stop_reason().cause, StopCause::failure);
}

TEST_F(Scopes, TaskThatFailsInTheTurnInWhichItIsKilled_ItsErrorIsNotLost) {
  Scope call(*scope, "call");
  bool threw = false;
  ASSERT_TRUE(call.spawn("broken", [](bool& t) -> Task<void> {
    co_await sleep_for(1ms);
    t = true;
    throw std::logic_error("a broken promise");
  }(threw)));
  ASSERT_TRUE(world.run_until([&] { return threw; }, 1s));
  ASSERT_EQ(call.tasks(), 1u) << "it has ended, and is not reaped yet";
  call.kill();
  CloseReport report;
  bool done = false;
  start("closer", close_into(call, 1s, report, done));
  run_to_end(1s);
  EXPECT_EQ(report.failed, 1u);
  EXPECT_EQ(report.forced, 0u);
  EXPECT_EQ(loop.counters().forced, 0u);
}

TEST_F(Scopes, ChildScopeInAFrame_DiesWithTheFrame) {
  bool destroyed = false;
  start("parent", [](Scope& root, bool& d) -> Task<void> {
    Scope local(root, "local");
    (void)local.spawn("child", [](bool& flag) -> Task<void> {
      struct OnEnd {
        bool& f;
        ~OnEnd() { f = true; }
      } on_end{flag};
      co_await sleep_for(1h);
    }(d));
    co_await sleep_for(10ms);
  }(*scope, destroyed));
  run_to_end(1s);
  EXPECT_TRUE(destroyed);
}

TEST_F(Scopes, ParentDestroyedBeforeItsChild_TheChildEndsWithIt_AndIsLeftAlone) {
  auto parent = std::make_unique<Scope>(*scope, "parent");
  auto child = std::make_unique<Scope>(*parent, "child");
  ASSERT_TRUE(child->spawn("sleeps", sleeps(1h)));
  parent.reset();
  EXPECT_EQ(child->tasks(), 0u);
  EXPECT_FALSE(child->spawn("late", sleeps(1s)));
  start("outsider", [](Scope& c) -> Task<void> {
    EXPECT_FALSE(c.inside());
    (void)co_await c.close(c.loop().in(1s));
  }(*child));
  run_to_end();
  child.reset();
}

TEST_F(Scopes, ScopeMadeInAClosingParent_IsClosingFromBirth) {
  CloseReport report;
  bool done = false;
  auto call = std::make_unique<Scope>(*scope, "call");
  ASSERT_TRUE(call->spawn("deaf", deaf()));
  start("closer", close_into(*call, 1s, report, done));
  world.run_for(1ms);
  Scope late(*call, "late");
  EXPECT_FALSE(late.spawn("task", sleeps(1s)));
  ASSERT_TRUE(world.run_until([&] { return done; }, 2s)) << world.describe();
}

TEST_F(Scopes, ScopeMadeInAParentThatClosesWithoutADeadline_IsNotForced) {
  Scope call(*scope, "call");
  bool ended_by_itself = false;
  ASSERT_TRUE(call.spawn("slow", [](bool& ended) -> Task<void> {
    try {
      co_await sleep_for(1h);
    } catch (const Stopped&) {
      ended = true;
      throw;
    }
  }(ended_by_itself)));
  world.run_for(1ms);
  Scope outside(loop, "outside");
  ASSERT_TRUE(outside.spawn("closer", [](Scope& s) -> Task<void> { (void)co_await s.close(Deadline::bounded_by_scope()); }(call)));
  ASSERT_TRUE(world.run_until([&] { return outside.tasks() == 0; }, 1s)) << world.describe();
  Scope late(call, "late");
  world.run_for(1ms);
  EXPECT_TRUE(ended_by_itself);
  EXPECT_EQ(loop.counters().forced, 0u);
}

// One family of faults: something ends a tree of scopes at an arbitrary step, in every way. Whatever the step, nothing is
// left and nothing is touched after its end (the address sanitizer watches).
class CutTree : public ::testing::TestWithParam<int> {};

struct Tree {
  explicit Tree(Loop& loop) : root(loop, "root"), left(root, "left"), right(root, "right"), leaf(left, "leaf") {}
  Scope root, left, right, leaf;
};

Task<void> busy(Tree& tree, int n) {
  for (int i = 0; i < 20; ++i) {
    co_await sleep_for(std::chrono::milliseconds(1 + (n + i) % 3));
    if (i % 5 == 0) (void)tree.leaf.spawn("burst", sleeps(3ms));
    if (i % 3 == 0) co_await yield();
  }
}

std::uint64_t run_tree(std::uint64_t seed, std::uint64_t cut_at, int way) {
  sim::World world(seed);
  auto& loop = world.add_loop("tree");
  auto& other = world.add_loop("closer");
  auto tree = std::make_unique<Tree>(loop);
  Scope outside(other, "outside");
  for (int i = 0; i < 3; ++i) {
    (void)tree->root.spawn("busy", busy(*tree, i));
    (void)tree->left.spawn("busy", busy(*tree, i));
    (void)tree->right.spawn("deaf", deaf());
  }
  bool cut = false;
  world.on_step([&](std::uint64_t step) {
    if (step != cut_at) return;
    cut = true;
    switch (way) {
      case 0: tree->root.request_stop({StopCause::caller_hung_up, {}}); break;
      case 1: tree->root.kill(); break;
      case 2: (void)outside.spawn("close", [](Scope& s) -> Task<void> { (void)co_await s.close(s.loop().in(300us)); }(tree->root)); break;
      case 3: (void)tree->leaf.spawn("close", [](Scope& s) -> Task<void> { (void)co_await s.close(s.loop().in(300us)); }(tree->root)); break;
      case 4: (void)tree->leaf.spawn("kill", [](Scope& s) -> Task<void> {
          s.kill();
          co_await sleep_for(1h);
        }(tree->root));
        break;
      case 5: tree->left.kill(); break;
    }
  });
  world.run_until([&] { return cut; }, 30ms);
  world.run_for(500us);
  const auto steps = world.steps();
  world.on_step({});
  tree.reset();
  EXPECT_EQ(loop.counters().tasks, 0) << world.describe();
  outside.kill();
  EXPECT_TRUE(world.idle()) << world.describe();
  return steps;
}

TEST_P(CutTree, EndedAtEveryStep_NothingIsLeft) {
  const auto total = run_tree(1, 1'000'000, 0);
  ASSERT_GT(total, 100u);
  for (std::uint64_t cut = 1; cut <= total; ++cut) {
    ASSERT_NO_FATAL_FAILURE(run_tree(1 + cut % 3, cut, GetParam())) << "cut at step " << cut;
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(InEveryWay, CutTree, ::testing::Range(0, 6));

}  // namespace
}  // namespace parley
