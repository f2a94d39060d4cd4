#include <parley/async/close.hpp>

#include <memory>

#include "fixture.hpp"

namespace parley {
namespace {

// An owner as they are written all over the tree: a scope of its own, and a close that is more than closing it.
class Owner {
 public:
  explicit Owner(Scope& parent) : close_(parent, "owner"), scope_(parent, "owner.tasks") {}

  Task<CloseReport> close(Deadline deadline) {
    return close_.run(deadline, [this](Deadline d) { return close_body(d); });
  }
  Scope& scope() { return scope_; }

  int bodies = 0;
  Duration farewell = 5ms;

 private:
  Task<CloseReport> close_body(Deadline deadline) {
    ++bodies;
    co_await sleep_for(farewell);
    co_return co_await scope_.close(deadline);
  }

  CloseOnce close_;
  Scope scope_;
};

class OwnerClose : public OneLoop {
 protected:
  Task<void> close_it(Owner& owner, Duration budget, CloseReport& report, int& done) {
    report = co_await owner.close(loop.in(budget));
    ++done;
  }
};

TEST_F(OwnerClose, TwoCallers_OneRun_OneReport) {
  Owner owner(*scope);
  CloseReport a, b;
  int done = 0;
  start("a", close_it(owner, 1s, a, done));
  start("b", close_it(owner, 1s, b, done));
  run_to_end(1s);
  EXPECT_EQ(done, 2);
  EXPECT_EQ(owner.bodies, 1);
  EXPECT_TRUE(a.clean());
  EXPECT_TRUE(b.clean());
}

TEST_F(OwnerClose, HastySecondCaller_LearnsThatItIsNotFinished) {
  Owner owner(*scope);
  owner.farewell = 500ms;
  CloseReport patient, hasty;
  int done = 0;
  start("patient", close_it(owner, 1s, patient, done));
  world.run_for(1ms);
  start("hasty", close_it(owner, 10ms, hasty, done));
  run_to_end(2s);
  EXPECT_TRUE(patient.clean());
  EXPECT_FALSE(hasty.finished);
}

TEST_F(OwnerClose, FromATaskOfItsOwn_TheBodyStillRunsToItsEnd) {
  Owner owner(*scope);
  bool went_on = false;
  ASSERT_TRUE(owner.scope().spawn("tool", [](Owner& o, Loop& l, bool& w) -> Task<void> {
    (void)co_await o.close(l.in(1s));
    w = true;
  }(owner, loop, went_on)));
  ASSERT_TRUE(world.run_until([&] { return owner.scope().closed(); }, 1s)) << world.describe();
  EXPECT_EQ(owner.bodies, 1);
  EXPECT_FALSE(went_on) << "a task of the owner is stopped by its close, it does not come back from it";
}

TEST_F(OwnerClose, BodyThatHangs_IsDestroyedAtTheDeadline) {
  Owner owner(*scope);
  owner.farewell = 1h;
  CloseReport report;
  int done = 0;
  start("closer", close_it(owner, 50ms, report, done));
  const auto began = world.now();
  run_to_end(1s);
  EXPECT_LT(world.now() - began, 51ms);
  EXPECT_EQ(report.forced, 1u);
  EXPECT_EQ(done, 1);
}

TEST_F(OwnerClose, BodyThatThrows_IsReportedAsFailed_AndDoesNotStopTheParent) {
  CloseOnce close(*scope, "owner");
  CloseReport report;
  start("closer", [](CloseOnce& c, Loop& l, CloseReport& r) -> Task<void> {
    r = co_await c.run(l.in(1s), [](Deadline) -> Task<CloseReport> {
      co_await sleep_for(1ms);
      throw std::runtime_error("the disk is gone");
    });
  }(close, loop, report));
  run_to_end(1s);
  ASSERT_EQ(report.failed, 1u);
  EXPECT_EQ(report.items.at(0).name, "owner");
  EXPECT_EQ(report.items.at(0).detail, "the disk is gone");
  EXPECT_FALSE(scope->stopping()) << "the steps of an ending that come after it are its parent's tasks";
}

TEST_F(OwnerClose, WhatIsDeafInsideTheOwner_IsNamed_WhicheverDeadlineIsSeenFirst) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim::World other(seed);
    auto& own_loop = other.add_loop("own");
    Scope parent(own_loop, "parent");
    Owner owner(parent);
    ASSERT_TRUE(owner.scope().spawn("stream", []() -> Task<void> {
      for (;;) {
        try {
          co_await sleep_for(1h);
        } catch (...) {
        }
      }
    }()));
    CloseReport report;
    ASSERT_TRUE(parent.spawn("closer", [](Owner& o, Loop& l, CloseReport& r) -> Task<void> {
      r = co_await o.close(l.in(100ms));
    }(owner, own_loop, report)));
    const auto began = other.now();
    ASSERT_TRUE(other.run_until([&] { return parent.tasks() == 0; }, 1s)) << other.describe();
    EXPECT_LE(other.now() - began, 101ms) << other.describe();
    ASSERT_EQ(report.forced, 1u) << other.describe();
    ASSERT_EQ(report.items.at(0).name, "stream") << other.describe();
  }
}

TEST_F(OwnerClose, BodyThatClosesItsOwnParent_UnwindsInsteadOfWaitingForItself) {
  CloseOnce close(*scope, "owner");
  CloseReport report;
  bool done = false;
  Scope outside(loop, "outside");
  ASSERT_TRUE(outside.spawn("closer", [](CloseOnce& c, Scope& parent, CloseReport& r, bool& d) -> Task<void> {
    r = co_await c.run(parent.loop().in(1h), [&parent](Deadline deadline) { return parent.close(deadline); });
    d = true;
  }(close, *scope, report, done)));
  ASSERT_TRUE(world.run_until([&] { return done; }, 1s)) << world.describe();
  EXPECT_TRUE(scope->closed());
  EXPECT_EQ(report.forced, 1u);
}

TEST_F(OwnerClose, ParentIsStopping_TheBodyStillRuns) {
  Owner owner(*scope);
  scope->request_stop({StopCause::shutdown, {}});
  Scope outside(loop, "outside");
  CloseReport report;
  int done = 0;
  ASSERT_TRUE(outside.spawn("closer", close_it(owner, 1s, report, done)));
  ASSERT_TRUE(world.run_until([&] { return done == 1; }, 1s)) << world.describe();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(owner.bodies, 1);
}

TEST_F(OwnerClose, OwnerDestroyedWhileItCloses_TheBodyGoesWithIt) {
  auto owner = std::make_unique<Owner>(*scope);
  owner->farewell = 1h;
  Scope outside(loop, "outside");
  CloseReport report;
  int done = 0;
  ASSERT_TRUE(outside.spawn("closer", close_it(*owner, 2h, report, done)));
  world.run_for(1ms);
  outside.kill();
  owner.reset();
  EXPECT_EQ(scope->tasks(), 0u);
  EXPECT_EQ(done, 0);
}

TEST_F(OwnerClose, OwnerDestroyedWhileItCloses_CallersAreToldAllTheSame) {
  auto owner = std::make_unique<Owner>(*scope);
  owner->farewell = 1h;
  Scope outside(loop, "outside");
  CloseReport a, b;
  int done = 0;
  ASSERT_TRUE(outside.spawn("a", close_it(*owner, 2h, a, done)));
  ASSERT_TRUE(outside.spawn("b", close_it(*owner, 2h, b, done)));
  world.run_for(1ms);
  owner.reset();
  ASSERT_TRUE(world.run_until([&] { return done == 2; }, 1s)) << world.describe();
  EXPECT_EQ(a.forced, 1u);
  EXPECT_EQ(b.forced, 1u);
}

TEST_F(OwnerClose, FirstCallerDestroysTheOwner_TheOthersStillGetTheReport) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    sim::World other(seed);
    auto& own_loop = other.add_loop("own");
    Scope parent(own_loop, "parent");
    auto owner = std::make_unique<Owner>(parent);
    Scope callers(own_loop, "callers");
    int clean = 0;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(callers.spawn("closer", [](std::unique_ptr<Owner>& o, Loop& l, int& c) -> Task<void> {
        const auto report = co_await o->close(l.in(1s));
        o.reset();
        if (report.clean()) ++c;
      }(owner, own_loop, clean)));
    }
    ASSERT_TRUE(other.run_until([&] { return callers.tasks() == 0; }, 2s)) << other.describe();
    EXPECT_EQ(clean, 3) << other.describe();
  }
}

// A native thing that its own close keeps alive until it is done.
class SelfOwner : public std::enable_shared_from_this<SelfOwner> {
 public:
  explicit SelfOwner(Scope& parent) : close_(parent, "self") {}
  Task<CloseReport> close(Deadline deadline) {
    return close_.run(deadline, [self = shared_from_this()](Deadline) { return body(); });
  }

 private:
  static Task<CloseReport> body() {
    co_await sleep_for(1h);
    co_return CloseReport{};
  }
  CloseOnce close_;
};

TEST_F(OwnerClose, BodyHoldsTheLastReferenceToItsOwner_AndTheParentIsKilled_BothAreGone) {
  auto owner = std::make_shared<SelfOwner>(*scope);
  const std::weak_ptr<SelfOwner> watched = owner;
  Scope outside(loop, "outside");
  ASSERT_TRUE(outside.spawn("closer", [](SelfOwner& o, Loop& l) -> Task<void> { (void)co_await o.close(l.in(1min)); }(*owner, loop)));
  world.run_for(1ms);
  owner.reset();
  outside.kill();
  scope->kill();
  EXPECT_TRUE(watched.expired());
}

TEST_F(OwnerClose, ParentKilledBeforeTheBodyTookItsFirstStep_CallersAreToldAllTheSame) {
  Owner owner(*scope);
  Scope outside(loop, "outside");
  CloseReport report;
  int done = 0;
  ASSERT_TRUE(outside.spawn("closer", close_it(owner, 1s, report, done)));
  ASSERT_TRUE(world.run_until([&] { return scope->tasks() == 1; }, 1s)) << world.describe();
  scope->kill();
  ASSERT_TRUE(world.run_until([&] { return done == 1; }, 1s)) << world.describe();
  EXPECT_EQ(report.forced, 1u);
  EXPECT_EQ(owner.bodies, 0);
}

TEST_F(OwnerClose, ParentAlreadyDead_TheCloseSaysSo) {
  Owner owner(*scope);
  scope->kill();
  Scope outside(loop, "outside");
  CloseReport report;
  int done = 0;
  ASSERT_TRUE(outside.spawn("closer", close_it(owner, 1s, report, done)));
  ASSERT_TRUE(world.run_until([&] { return done == 1; }, 1s)) << world.describe();
  EXPECT_FALSE(report.clean());
}

TEST(CloseReports, AreBounded_AndCountWhatTheyDoNotList) {
  CloseReport report;
  for (int i = 0; i < 1000; ++i) report.add({.name = "task", .outcome = CloseOutcome::closed, .took = {}, .detail = {}});
  report.add({.name = "stuck", .outcome = CloseOutcome::forced, .took = {}, .detail = {}});
  EXPECT_LE(report.items.size(), CloseReport::kMaxItems);
  EXPECT_EQ(report.closed, 1000u);
  EXPECT_EQ(report.items.back().name, "stuck");
  report.took = 1500us;
  EXPECT_EQ(to_string(report), "closed 1000 in 1.5 ms; forced: stuck");
}

TEST(CloseReports, PartsThatClosedWell_DoNotCrowdOutTheOneThatDidNot) {
  CloseReport whole;
  for (int i = 0; i < 10; ++i) {
    CloseReport part;
    for (int j = 0; j < 64; ++j) part.add({.name = "task", .outcome = CloseOutcome::closed, .took = {}, .detail = {}});
    whole.add("call", part);
  }
  CloseReport last;
  last.add({.name = "stuck", .outcome = CloseOutcome::forced, .took = {}, .detail = {}});
  whole.add("call", last);
  EXPECT_LE(whole.items.size(), CloseReport::kMaxItems);
  EXPECT_EQ(whole.closed, 640u);
  EXPECT_EQ(whole.forced, 1u);
  EXPECT_EQ(whole.items.back().name, "call/stuck");
}

// A task of another scope, which the body kills, holds the owner: it would go while its own body is on the stack.
TEST_F(OwnerClose, OwnerThatIsDestroyedByItsOwnBody_IsCaught_HoweverFarDown) {
  struct Holder {
    Holder(std::unique_ptr<CloseOnce> o) : owned(std::move(o)) {}
    std::unique_ptr<CloseOnce> owned;
  };
  const auto end_badly = [this] {
    Scope other(*scope, "other");
    auto owner = std::make_unique<CloseOnce>(*scope, "owner");
    auto& close = *owner;
    (void)other.spawn("holder", [](Holder holder) -> Task<void> {
      co_await sleep_for(1h);
      (void)holder;
    }(Holder(std::move(owner))));
    world.run_for(1ms);
    (void)scope->spawn("closer", [](CloseOnce& c, Scope& s) -> Task<void> {
      (void)co_await c.run(Deadline::bounded_by_scope(), [&s](Deadline) { return [](Scope& killed) -> Task<CloseReport> {
        killed.kill();
        co_return CloseReport{};
      }(s); });
    }(close, other));
    world.run_for(1ms);
  };
  EXPECT_DEATH(end_badly(), "destroyed by the body of its own close");
}

}  // namespace
}  // namespace parley
