// The order of a job's end. Each step is tried whatever became of the one before, and each has its own deadline: what a
// program throws or never finishes is an item in the teardown report.
#include <boost/json.hpp>
#include <fmt/format.h>

#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>
#include <parley/base/utf8.hpp>

#include "job/hooks_runner.hpp"
#include "job/job.hpp"

namespace parley::job {

using ipc::ExitCode;
using ipc::Phase;

Task<void> Job::end_in_order() {
  const auto began = loop_.now();
  journal_.append(record_type::kAttemptEnding, ending_json(reason_));
  if (!answered_ && exit_ == ExitCode::ok) exit_ = ExitCode::start_failed;
  co_await close_program();
  co_await close_scope();
  teardown_.took = loop_.now() - began;
  co_await journal_end();
  const bool done = co_await work_after_call();
  co_await dispose();
  if (exit_ != ExitCode::ok) co_return;
  if (!done) exit_ = ExitCode::after_call_due;
  if (done && !teardown_.clean()) exit_ = ExitCode::unclean;
}

// Stops input and speech, drains, closes the session, leaves the room: all the program's, and all bounded here. A forced
// stop during a graceful drain shortens what is left of it.
Task<void> Job::close_program() {
  promises_.enter(Phase::draining, config_.deadlines.drain_forced);
  steps_.enter("program", loop_.now());
  if (!program_) co_return;
  Scope closing(root_, "closing");
  bool told_forced = false;
  for (bool first = true; !program_closed_; first = false) {
    if (first || (forced_ && !told_forced) || cut_) {
      const auto& d = config_.deadlines;
      const auto drain = cut_or(forced_ ? d.drain_forced : d.drain_graceful);
      const auto deadline = cut_or((forced_ ? d.drain_forced : d.drain_graceful) + d.cap(Phase::closing));
      drain_ = drain_ ? drain_->within(drain) : drain;
      close_deadline_ = close_deadline_ ? close_deadline_->within(deadline) : deadline;
      told_forced = forced_;
      program_->request_stop(reason_, forced_);
      if (first) {
        (void)closing.spawn("program", run_program_close(*drain_, *close_deadline_));
        promises_.shorten(drain_->at());
        if (!forced_) promises_.extend(drain_->at());
      } else {
        promises_.shorten(drain_->at());
      }
    }
    const bool draining = phase() == Phase::draining && !drain_->passed(loop_.now());
    if (!draining) promises_.enter(Phase::closing);
    (void)co_await close_changed_.wait(draining ? *drain_ : *close_deadline_);
    if (program_closed_ || (!close_changed_.is_set() && close_deadline_->passed(loop_.now()))) break;
    close_changed_.reset();
  }
  closing.kill();
  if (program_closed_) co_return;
  teardown_.add({.name = "program", .outcome = CloseOutcome::forced, .took = {}, .detail = "did not close by its deadline"});
  program_->kill();
}

Task<void> Job::run_program_close(Deadline drain, Deadline deadline) {
  try {
    auto report = co_await program_->close(drain, deadline);
    teardown_.add("program", report);
  } catch (...) {
    note_failure("program", describe_current_exception());
    program_->kill();
  }
  program_closed_ = true;
  close_changed_.set();
}

// What the program left behind.
Task<void> Job::close_scope() {
  promises_.enter(Phase::closing);
  steps_.enter("call", loop_.now());
  answers_->kill();
  const auto report = co_await call_scope_->close(cut_or(config_.deadlines.session_close / 4));
  teardown_.add("call", report);
}

Task<void> Job::journal_end() {
  steps_.enter("journal", loop_.now());
  if (program_) {
    try {
      journal_.append(record_type::kSummary, program_->summary());
    } catch (...) {
      note_failure("summary", describe_current_exception());
    }
  }
  boost::json::array keys;
  if (config_.hooks) {
    for (auto& key : config_.hooks->keys(info_.call_id)) keys.emplace_back(std::move(key));
  }
  auto ended = ended_json(teardown_);
  auto& report = ended["teardown"].as_object();
  report["steps"] = steps_.to_json(loop_.now());
  report["hooks"] = keys.size();
  journal_.append(record_type::kAttemptEnded, ended);
  if (!keys.empty()) journal_.append(record_type::kHooksDue, {{"hooks", std::move(keys)}});
  auto teardown = valid_utf8(boost::json::serialize(ended));
  if (teardown.size() > ipc::kMaxTeardownBytes) teardown = R"({"note":"too long; see the journal"})";
  line_.end({reason_, teardown_.clean(), std::move(teardown)});
  (void)co_await journal_.sync(cut_or(kSyncPatience));
}

// True: nothing is left to do.
Task<bool> Job::work_after_call() {
  promises_.enter(Phase::hooks);
  if (cut_) co_return false;
  bool done = true;
  Duration retry_in{};
  if (config_.hooks && !pending_hooks(journal_.so_far(), *config_.hooks, info_.call_id).empty()) {
    HookRunner runner(root_, journal_, *config_.hooks);
    close_changed_.reset();
    Scope running(root_, "after_call");
    std::optional<HookReport> report;
    (void)running.spawn("hooks", [](HookRunner& r, std::optional<HookReport>& out, Event& changed, Deadline deadline) -> Task<void> {
      out = co_await r.run(deadline);
      changed.set();
    }(runner, report, close_changed_, loop_.in(std::min(config_.deadlines.after_call, HookRunner::kTotal))));
    const auto last = loop_.in(config_.deadlines.after_call + 1s);
    while (!report && !cut_ && !last.passed(loop_.now())) {
      (void)co_await close_changed_.wait(last);
      close_changed_.reset();
    }
    runner.kill();
    running.kill();
    done = report && report->pending == 0;
    if (report && report->next_try) retry_in = std::max<Duration>(*report->next_try - loop_.clock().wall(), 0ms);
  }
  line_.after_call({done, retry_in});
  co_return done;
}

Task<void> Job::dispose() {
  promises_.enter(Phase::disposing);
  if (!program_) co_return;
  if (!cut_) {
    try {
      auto report = co_await within(loop_.in(config_.deadlines.disposal), program_->dispose(loop_.in(config_.deadlines.disposal)));
      if (report && report->clean()) co_return;
      if (report) {
        teardown_.add("disposal", *report);
      } else {
        note_failure("disposal", report.error().message());
      }
    } catch (...) {
      note_failure("disposal", describe_current_exception());
    }
  }
  program_->kill();
}

Task<void> Job::finish() {
  promises_.enter(Phase::finished);
  const auto soon = cut_or(kSyncPatience);
  (void)co_await journal_.sync(soon);
  co_await flush_mirror(soon);
  (void)co_await line_.flushed(cut_or(kSyncPatience));
}

// Sent while the disk works: `deadline` is for both.
Task<void> Job::flush_mirror(Deadline deadline) {
  if (!ports_.mirror) co_return;
  co_await ports_.mirror->flush(deadline);
  const auto health = ports_.mirror->health();
  line_.mirror({.records = health.records, .lost = health.lost, .failures = health.failures});
}

}  // namespace parley::job
