// The cut sweep of a call's end: its process dies, or the power goes, at every step of the loop and in every operation
// of the disk, in the job and again in the recovery. Whatever the moment: every hook ran, with one key, none that the
// journal calls done ran again, and there is exactly one terminal record.
#include <map>

#include "fixture.hpp"
#include "job/hooks_runner.hpp"

namespace parley::job {
namespace {

enum class Way { kill, power_cut };

struct Cut {
  Way way = Way::kill;
  std::uint64_t step = 0;       // of the job's world; 0: not there
  std::uint64_t operation = 0;  // of the job's disk, torn; 0: not there
  std::uint64_t second = 0;     // operation of the first recovery in which it dies as well; 0: it lives
};

class Sweep {
 public:
  Sweep(std::uint64_t seed, Cut cut) : cut_(cut), world_(seed), disk_(Random(seed * 7 + 1), world_.clock()) {
    for (const auto* name : {"on_end", "flaky", "on_end"}) {
      (void)registry_.add(name, [this](boost::json::object record, HookContext context) {
        return hook(*this, std::move(record), std::move(context));
      });
    }
  }

  // The call and its end; true if the cut was made. A cut before its journal was there is a call that never began.
  bool run_job() {
    if (cut_.operation > 0) disk_.kill_at_operation("job", cut_.operation);
    job_ = std::make_unique<Process>(world_, disk_, "job");
    auto opened = create_journal(*job_->disk, kDirectory, kCall);
    if (!opened) return false;
    began = true;
    job_->journal = std::make_unique<Journal>(job_->loop, job_->writer->writer(), *std::move(opened),
                                              JournalConfig{.call_id = kCall, .attempt_id = "AJ_1"});
    EXPECT_TRUE(job_->scope->spawn("call", call(*this)));
    bool cut = false;
    const auto begin = world_.steps();
    world_.on_step([&](std::uint64_t step) {
      if (cut || (step - begin != cut_.step && disk_.alive("job"))) return;
      cut = true;
      end_all();
    });
    world_.run_until([&] { return cut || done_; }, 10min);
    world_.on_step({});
    steps = world_.steps() - begin;
    if (!cut) end_all();
    return cut;
  }

  void end_all() {
    disk_.kill("job");  // first, so that nothing of what is destroyed now reaches the disk
    job_.reset();
    if (cut_.way == Way::power_cut) disk_.power_cut();
  }

  // A fresh process does what is left, and dies once on the way if the cut says so. Until nothing is left.
  void recover() {
    for (int round = 0; round < 8; ++round) {
      Process fresh(world_, disk_, "fresh" + std::to_string(round));
      auto opened = open_journal(*fresh.disk, kDirectory, kCall);
      if (!opened && disk_.content(settled_path(kDirectory, kCall))) return;  // died after its last act
      ASSERT_TRUE(opened) << opened.error().message();
      fresh.journal = std::make_unique<Journal>(fresh.loop, fresh.writer->writer(), *std::move(opened),
                                                JournalConfig{.call_id = kCall});
      bool settled = false;
      ASSERT_TRUE(fresh.scope->spawn("recover", finish(*this, fresh, settled)));
      if (round == 0 && cut_.second > 0) disk_.kill_at_operation(fresh.name, cut_.second);
      world_.run_until([&] { return settled || !disk_.alive(fresh.name); }, 3h);
      if (settled) return;
      ASSERT_FALSE(disk_.alive(fresh.name)) << "the recovery got stuck: " << world_.describe();
      fresh.scope.reset();
      if (cut_.way == Way::power_cut) disk_.power_cut();
    }
    FAIL() << "never settled";
  }

  void check() {
    for (const auto& key : registry_.keys(kCall)) EXPECT_GE(runs_[key], 1u) << key;
    EXPECT_EQ(runs_.size(), 3u) << "a key that nobody registered";
    EXPECT_EQ(violations_, 0u) << "a hook ran though the journal said that it was done";
    const auto bytes = disk_.content(settled_path(kDirectory, kCall));
    ASSERT_TRUE(bytes);
    const auto contents = parse_journal(*bytes, kCall);
    EXPECT_EQ(std::ranges::count(contents.records, std::string(record_type::kTerminal), &JournalRecord::type), 1);
    const auto record = build_record(contents);
    EXPECT_NE(record.at("outcome"), "running");
    for (const auto& hook : record.at("hooks").as_array()) EXPECT_EQ(hook.at("state"), "done");
  }

  std::uint64_t operations() const { return disk_.operations(); }
  std::string describe() const { return world_.describe(); }
  std::uint64_t steps = 0;
  bool began = false;

 private:
  static Task<void> call(Sweep& s) {
    auto& journal = *s.job_->journal;
    journal.append(record_type::kCallStarted, to_json(CallStarted{.hooks = s.registry_.keys(kCall)}));
    journal.append(record_type::kAttemptStarted);
    for (int turn = 0; turn < 3; ++turn) {
      co_await sleep_for(1s);
      journal.append("conversation_item_added", {{"item", {{"type", "message"}, {"text", "a turn of the call"}}}});
      journal.request_sync();
    }
    journal.append(record_type::kAttemptEnding, ending_json({StopCause::caller_hung_up, {}}));
    journal.append(record_type::kAttemptEnded, ended_json({}));
    HookRunner runner(*s.job_->scope, journal, s.registry_);
    (void)co_await runner.run(journal.loop().in(HookRunner::kTotal));
    s.done_ = true;
  }

  static Task<void> finish(Sweep& s, Process& process, bool& settled) {
    auto& journal = *process.journal;
    auto& loop = process.loop;
    if (!journal.so_far().over())
      journal.append(record_type::kAttemptExited, to_json(ProcessExit{.attempt_id = "AJ_1", .signal = 9}));
    journal.append_terminal();
    (void)co_await journal.sync(loop.in(1s));
    HookRunner runner(*process.scope, journal, s.registry_);
    for (;;) {
      const auto report = co_await runner.run(loop.in(HookRunner::kTotal));
      if (report.pending == 0) break;
      const auto wait = *report.next_try - loop.clock().wall();
      co_await sleep_for(std::max<Duration>(wait, 1ms));
    }
    if (auto synced = co_await journal.sync(loop.in(1s)); !synced) co_return;
    settled = settle_journal(*process.disk, kDirectory, kCall).has_value();
  }

  static Task<Result<void>> hook(Sweep& s, boost::json::object record, HookContext context) {
    ++s.runs_[context.key];
    const auto bytes = s.disk_.content(journal_path(kDirectory, kCall)).value_or("");
    for (const auto& r : parse_journal(bytes, kCall).records) {
      if (r.type == record_type::kHookDone && r.data.at("key").as_string() == context.key) ++s.violations_;
    }
    if (record.at("call").at("id").as_string() != kCall) ++s.violations_;
    co_await sleep_for(20ms);
    if (context.key.find("flaky") != std::string::npos && s.runs_[context.key] == 1)
      co_return fail(Errc::unavailable, "not yet");
    co_return Result<void>{};
  }

  Cut cut_;
  sim::World world_;
  sim::SimDisk disk_;
  HookRegistry registry_;
  std::unique_ptr<Process> job_;
  bool done_ = false;
  std::map<std::string, unsigned> runs_;
  unsigned violations_ = 0;
};

void sweep(const Cut& cut, std::uint64_t seed) {
  Sweep run(seed, cut);
  run.run_job();
  if (!run.began) return;
  run.recover();
  if (!::testing::Test::HasFatalFailure()) run.check();
  if (::testing::Test::HasFailure()) {
    FAIL() << "way " << static_cast<int>(cut.way) << ", step " << cut.step << ", operation " << cut.operation
           << ", second " << cut.second << ", " << run.describe();
  }
}

class CutSweep : public ::testing::TestWithParam<Way> {};

TEST_P(CutSweep, AtEveryStepOfTheLoop) {
  Sweep whole(1, {});
  ASSERT_FALSE(whole.run_job());
  ASSERT_GT(whole.steps, 20u);
  for (std::uint64_t step = 1; step <= whole.steps; ++step) {
    sweep({.way = GetParam(), .step = step}, 1);
    if (HasFailure()) return;
  }
}

TEST_P(CutSweep, InEveryOperationOfTheDisk_WithTornWrites) {
  Sweep whole(1, {});
  ASSERT_FALSE(whole.run_job());
  ASSERT_GT(whole.operations(), 20u);
  for (std::uint64_t operation = 1; operation <= whole.operations(); ++operation) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      sweep({.way = GetParam(), .operation = operation}, seed);
      if (HasFailure()) return;
    }
  }
}

TEST_P(CutSweep, TheRecoveryDiesAsWell) {
  Random random(17);
  for (int i = 0; i < 400; ++i) {
    sweep({.way = GetParam(), .operation = 1 + random.below(22), .second = 1 + random.below(20)}, 1000 + i);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, CutSweep, ::testing::Values(Way::kill, Way::power_cut),
                         [](const auto& info) { return info.param == Way::kill ? "Killed" : "PowerCut"; });

}  // namespace
}  // namespace parley::job
