// Hooks that work, fail, throw, hang and do not hear: all bounded, all recorded.
#include "job/hooks_runner.hpp"

#include "fixture.hpp"

namespace parley::job {
namespace {

class Hooks : public OnDisk {
 protected:
  Hooks() : job(world, disk, "job") {}

  void begin() {
    job.begin_journal();
    job.journal->append(record_type::kCallStarted, to_json(CallStarted{.hooks = registry.keys(kCall)}));
    job.journal->append(record_type::kAttemptEnding, ending_json({StopCause::caller_hung_up, {}}));
    job.journal->append(record_type::kAttemptEnded, ended_json({}));
    runner.emplace(*job.scope, *job.journal, registry);
  }

  void start(Duration budget = HookRunner::kTotal) {
    report.reset();
    ASSERT_TRUE(job.scope->spawn(
        "hooks", [](HookRunner& r, Loop& loop, Duration b, std::optional<HookReport>& out) -> Task<void> {
          out = co_await r.run(loop.in(b));
        }(*runner, job.loop, budget, report)));
  }

  // Returns how long it took.
  Duration run(Duration budget = HookRunner::kTotal) {
    start(budget);
    const auto began = world.now();
    EXPECT_TRUE(world.run_until([&] { return report.has_value(); }, 10min)) << world.describe();
    return world.now() - began;
  }

  // Notes that it ran, and does what the test says.
  void add(std::string name, std::function<Task<Result<void>>(HookContext)> body = {}, HookPolicy policy = {}) {
    ASSERT_TRUE(registry.add(
        name,
        [this, body](boost::json::object record, HookContext context) -> Task<Result<void>> {
          return noted(ran, std::move(record), std::move(context), body);
        },
        policy));
  }
  struct Run {
    std::string key;
    unsigned try_number;
    boost::json::object record;
  };
  static Task<Result<void>> noted(std::vector<Run>& ran, boost::json::object record, HookContext context,
                                  std::function<Task<Result<void>>(HookContext)> body) {
    ran.push_back({context.key, context.try_number, std::move(record)});
    if (!body) co_return Result<void>{};
    co_return co_await body(std::move(context));
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> found;
    for (const auto& r : ran) found.push_back(r.key);
    return found;
  }

  void TearDown() override {
    runner.reset();
    job.die();
    EXPECT_EQ(job.loop.counters().tasks, 0);
    EXPECT_TRUE(world.idle()) << world.describe();
  }

  std::vector<Run> ran;
  HookRegistry registry;
  Process job;
  std::optional<HookRunner> runner;
  std::optional<HookReport> report;
};

using Keys = std::vector<std::string>;
using Kind = HookOutcome::Kind;

Task<Result<void>> fails(HookContext) { co_return fail(Errc::unavailable, "503 from the archive"); }
Task<Result<void>> throws(HookContext) {
  co_await sleep_for(1ms);
  throw std::runtime_error("a bug");
}
Task<Result<void>> throws_an_int(HookContext) {
  co_await yield();
  throw 5;
}
Task<Result<void>> hangs(HookContext) {
  co_await sleep_for(24h);
  co_return Result<void>{};
}
Task<Result<void>> deaf(HookContext) {
  for (;;) {
    try {
      co_await sleep_for(1h);
    } catch (...) {
    }
  }
}

TEST_F(Hooks, RunInOrder_GetTheRecord_AreJournalledAndSynced) {
  add("on_end");
  add("archive");
  add("on_end");
  begin();
  run();
  EXPECT_EQ(keys(), (Keys{"CA_abc/on_end/1", "CA_abc/archive/1", "CA_abc/on_end/2"}));
  EXPECT_EQ(ran[0].record.at("reason"), "caller_hung_up");
  EXPECT_EQ(ran[0].try_number, 1u);
  for (const auto& outcome : report->outcomes) {
    EXPECT_EQ(outcome.kind, Kind::done);
    EXPECT_TRUE(outcome.synced);
  }
  EXPECT_EQ(report->pending, 0u);
  EXPECT_FALSE(report->next_try);
  EXPECT_EQ(types(),
            (std::vector<std::string>{"call.started", "attempt.ending", "attempt.ended", "hooks.due", "hook.started",
                                      "hook.done", "hook.started", "hook.done", "hook.started", "hook.done"}));
}

TEST_F(Hooks, OneThatFails_DoesNotKeepTheNextFromRunning_AndIsTriedLater) {
  add("bad", fails);
  add("good");
  begin();
  run();
  EXPECT_EQ(keys(), (Keys{"CA_abc/bad/1", "CA_abc/good/1"}));
  EXPECT_EQ(report->outcomes[0].kind, Kind::failed);
  EXPECT_EQ(report->outcomes[0].error, "503 from the archive");
  EXPECT_EQ(report->pending, 1u);
  ASSERT_TRUE(report->next_try);
  EXPECT_GT(*report->next_try, job.loop.clock().wall());

  run();  // too early
  EXPECT_EQ(ran.size(), 2u);
  world.run_for(3s);
  run();
  EXPECT_EQ(ran.size(), 3u);
  EXPECT_EQ(ran[2].key, "CA_abc/bad/1") << "the same key for every try";
  EXPECT_EQ(ran[2].try_number, 2u);
}

TEST_F(Hooks, WhatIsThrown_IsAnError_NotTheEndOfTheRest) {
  add("bug", throws);
  add("int", throws_an_int);
  add("good");
  begin();
  run();
  EXPECT_EQ(report->outcomes[0].error, "it threw: a bug");
  EXPECT_EQ(report->outcomes[1].error, "it threw something that is no std::exception");
  EXPECT_EQ(report->outcomes[2].kind, Kind::done);
}

TEST_F(Hooks, HangingOne_IsStoppedAfterItsMinute) {
  add("hangs", hangs);
  add("good");
  begin();
  const auto took = run();
  EXPECT_GE(took, 60s);
  EXPECT_LT(took, 60s + HookRunner::kStopGrace);
  EXPECT_EQ(report->outcomes[0].error, "stopped: the hook's time is over");
  EXPECT_EQ(report->outcomes[1].kind, Kind::done);
}

TEST_F(Hooks, DeafOne_IsDestroyedALittleLater) {
  add("deaf", deaf);
  add("good");
  begin();
  const auto took = run();
  EXPECT_GE(took, 60s + HookRunner::kStopGrace);
  EXPECT_LT(took, 60s + HookRunner::kStopGrace + 100ms);
  EXPECT_EQ(report->outcomes[0].error, "not done by its deadline");
  EXPECT_EQ(report->outcomes[1].kind, Kind::done);
}

TEST_F(Hooks, AllTogether_HaveTwoMinutes_TheRestIsLeftForLater) {
  for (int i = 0; i < 4; ++i) add("deaf", deaf);
  add("good");
  begin();
  const auto took = run();
  EXPECT_LT(took, HookRunner::kTotal + HookRunner::kStopGrace + 100ms);
  EXPECT_EQ(ran.size(), 2u);
  EXPECT_EQ(report->pending, 5u);
  EXPECT_TRUE(report->next_try);
}

TEST_F(Hooks, TasksOfAHook_EndWithIt) {
  bool destroyed = false;
  add("spawns", [&destroyed](HookContext context) {
    return [](HookContext c, bool& d) -> Task<Result<void>> {
      (void)c.scope->spawn("left behind", [](bool& flag) -> Task<void> {
        struct OnEnd {
          bool& f;
          ~OnEnd() { f = true; }
        } on_end{flag};
        co_await sleep_for(24h);
      }(d));
      co_await yield();
      co_return Result<void>{};
    }(std::move(context), destroyed);
  });
  begin();
  const auto took = run();
  EXPECT_TRUE(destroyed);
  EXPECT_LT(took, 1s);
  EXPECT_EQ(report->outcomes[0].kind, Kind::done);
}

TEST_F(Hooks, Stop_EndsTheRunningOne_AndStartsNoOther) {
  add("hangs", hangs);
  add("never");
  begin();
  start();
  world.run_for(1s);
  runner->request_stop({StopCause::shutdown, "the worker is being stopped"});
  ASSERT_TRUE(world.run_until([&] { return report.has_value(); }, 1s)) << world.describe();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(report->outcomes[0].error, "stopped: the worker is being stopped");
  EXPECT_EQ(report->pending, 2u);
}

TEST_F(Hooks, Kill_DestroysTheRunningOne_AndTheRunnerGoesOnAtOnce) {
  add("deaf", deaf);
  begin();
  start();
  world.run_for(1s);
  runner->kill();
  ASSERT_TRUE(world.run_until([&] { return report.has_value(); }, 1s)) << world.describe();
  EXPECT_EQ(report->outcomes[0].kind, Kind::failed);
}

TEST_F(Hooks, RunnersOwnerDies_TheHookDiesWithIt) {
  add("deaf", deaf);
  begin();
  start();
  world.run_for(1s);
  job.scope->kill();
  EXPECT_EQ(job.loop.counters().tasks, 0);
  EXPECT_FALSE(report);
}

TEST_F(Hooks, FullDisk_HooksRunAllTheSame_AndAreKnownNotToBeSynced) {
  add("on_end");
  begin();
  world.run_for(10ms);
  disk.set_free_bytes(0);
  const auto took = run();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_EQ(report->outcomes[0].kind, Kind::done);
  EXPECT_FALSE(report->outcomes[0].synced);
  EXPECT_LT(took, 1s);
  EXPECT_GE(job.log->with("the disk under the journals is full"), 1u);
}

TEST_F(Hooks, HangingDisk_DelaysHooksByNoMoreThanItsPatience) {
  add("on_end");
  begin();
  disk.set_sync_time(24h);
  const auto took = run();
  EXPECT_EQ(ran.size(), 1u);
  EXPECT_FALSE(report->outcomes[0].synced);
  EXPECT_LT(took, 2 * HookRunner::kSyncPatience + 100ms);
}

TEST_F(Hooks, SyncedBeforeTheFirstOneRuns) {
  bool due_was_synced = false;
  add("on_end", [&](HookContext) {
    disk.power_cut();
    for (const auto& r : contents().records) due_was_synced = due_was_synced || r.type == record_type::kHooksDue;
    return []() -> Task<Result<void>> { co_return Result<void>{}; }();
  });
  begin();
  run();
  EXPECT_TRUE(due_was_synced);
}

TEST_F(Hooks, GivenUp_IsRecorded_AndNeverRunsAgain) {
  add("bad", fails, {.give_up_after = 10s});
  begin();
  run();
  world.run_for(11s);
  run();
  EXPECT_EQ(report->outcomes[0].kind, Kind::given_up);
  EXPECT_EQ(report->pending, 0u);
  EXPECT_EQ(types().back(), "hook.given_up");
  run();
  EXPECT_EQ(ran.size(), 1u);
}

TEST_F(Hooks, ProcessThatDidNotGetTheJournal_RunsNothing) {
  add("on_end");
  job.journal =
      std::make_unique<Journal>(job.loop, job.writer->writer(), OpenJournal{}, JournalConfig{.call_id = kCall});
  runner.emplace(*job.scope, *job.journal, registry);
  run();
  EXPECT_TRUE(ran.empty());
  EXPECT_EQ(report->pending, 1u);
  EXPECT_TRUE(report->next_try);
}

TEST_F(Hooks, JobWhoseDiskRefusedTheJournal_RunsItsHooksAllTheSame) {
  add("on_end");
  job.journal =
      std::make_unique<Journal>(job.loop, job.writer->writer(), OpenJournal{}, JournalConfig{.call_id = kCall});
  job.journal->append(record_type::kCallStarted, to_json(CallStarted{.hooks = registry.keys(kCall)}));
  runner.emplace(*job.scope, *job.journal, registry);
  run();
  EXPECT_EQ(ran.size(), 1u);
}

TEST_F(Hooks, SecondRunAtTheSameTime_DoesNothing) {
  add("slow", [](HookContext) -> Task<Result<void>> {
    co_await sleep_for(1s);
    co_return Result<void>{};
  });
  begin();
  start();
  world.run_for(100ms);
  run();
  EXPECT_TRUE(report->outcomes.empty());
  world.run_for(2s);
  EXPECT_EQ(ran.size(), 1u);
}

}  // namespace
}  // namespace parley::job
