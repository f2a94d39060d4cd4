#include "job/hooks_runner.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <parley/async/event.hpp>

namespace parley::job {

namespace {

constexpr std::size_t kMaxErrorBytes = 1 * KiB;

// How a hook's task tells the runner what became of it, even when it is destroyed.
struct Outcome {
  Event over;
  Result<void> result = fail(Errc::timeout, "not done by its deadline");
  bool finished = false;
};

struct OnExit {
  explicit OnExit(Outcome& o) : outcome(o) {}
  ~OnExit() { outcome.over.set(); }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;
  Outcome& outcome;
};

Task<void> run_hook(const RegisteredHook& hook, boost::json::object record, HookContext context, Outcome& outcome) {
  const OnExit on_exit(outcome);
  Result<void> result;
  try {
    result = co_await hook.run(std::move(record), std::move(context));
  } catch (const Stopped& stopped) {
    result = fail(Errc::closing,
                  fmt::format("stopped: {}", stopped.reason.detail.empty() ? to_string(stopped.reason.cause)
                                                                           : std::string_view(stopped.reason.detail)));
  } catch (const std::exception& error) {
    result = fail(Errc::internal, fmt::format("it threw: {}", error.what()));
  } catch (...) {
    result = fail(Errc::internal, "it threw something that is no std::exception");
  }
  outcome.result = std::move(result);
  outcome.finished = true;
}

double ms(Duration d) { return to_ms(d); }

}  // namespace

HookRunner::HookRunner(Scope& parent, Journal& journal, const HookRegistry& registry)
    : journal_(journal), registry_(registry), scope_(parent, "hooks") {}

Task<bool> HookRunner::sync_soon(Deadline deadline) {
  auto& loop = journal_.loop();
  const auto synced = co_await journal_.sync(loop.in(kSyncPatience).within(deadline));
  if (!synced) loop.logger().warn("work after {}: {}; going on", journal_.call_id(), synced.error().message());
  co_return synced.has_value();
}

Task<HookOutcome> HookRunner::run_one(HookState state, const RegisteredHook& hook, Deadline deadline) {
  auto& loop = journal_.loop();
  const auto began = loop.now();
  const auto until = loop.in(hook.policy.timeout).within(deadline);
  journal_.append(record_type::kHookStarted, {{"key", state.key}, {"try", state.tries + 1}});

  Outcome outcome;
  {
    Scope scope(scope_, state.key);
    HookContext context{.key = state.key,
                        .try_number = state.tries + 1,
                        .deadline = until,
                        .logger = loop.logger().with("hook", state.key),
                        .scope = &scope};
    auto spawned = scope.spawn("run", run_hook(hook, journal_.so_far().record(), std::move(context), outcome));
    if (!spawned) {
      outcome.result = fail(spawned.error());
    } else if (auto waited = co_await outcome.over.wait(until); !waited) {
      scope.request_stop({StopCause::limit, "the hook's time is over"});
    }
    // What it has spawned ends with it, and so does a hook that does not hear a stop.
    (void)co_await scope.close(loop.in(kStopGrace));
  }

  HookOutcome out{.key = state.key, .took = loop.now() - began};
  if (outcome.result) {
    out.kind = HookOutcome::Kind::done;
    journal_.append(record_type::kHookDone, {{"key", state.key}, {"took_ms", ms(out.took)}});
  } else {
    out.error = outcome.result.error().message().substr(0, kMaxErrorBytes);
    journal_.append(record_type::kHookFailed, {{"key", state.key}, {"error", out.error}, {"took_ms", ms(out.took)}});
    loop.logger().warn("hook {} failed (try {}): {}", state.key, state.tries + 1, out.error);
  }
  out.synced = co_await sync_soon(Deadline::bounded_by_scope());
  co_return out;
}

Task<HookReport> HookRunner::run(Deadline deadline) {
  HookReport report;
  if (std::exchange(running_, true)) co_return report;
  struct NotRunning {
    bool& flag;
    ~NotRunning() { flag = false; }
  } const not_running{running_};

  auto& loop = journal_.loop();
  if (!journal_.has_file() && !journal_.so_far().call_started()) {
    // Another process has the journal, or the disk refuses it: what was done already is in there.
    report.pending = registry_.all().size();
    report.next_try = loop.clock().wall() + std::chrono::ceil<std::chrono::milliseconds>(HookPolicy{}.first_backoff);
    co_return report;
  }
  const auto todo = pending_hooks(journal_.so_far(), registry_, journal_.call_id());
  if (todo.empty()) co_return report;
  if (!journal_.so_far().hooks_due()) {
    boost::json::array keys;
    for (const auto& hook : todo) keys.push_back(boost::json::string(hook.key));
    journal_.append(record_type::kHooksDue, {{"hooks", std::move(keys)}});
    co_await sync_soon(deadline);
  }

  bool given_up = false;
  for (const auto& state : todo) {
    if (scope_.stopping() || deadline.passed(loop.now())) break;
    const auto* hook = registry_.find(state.name, state.n);
    const auto decision = decide(state, hook, loop.clock().wall());
    if (decision.kind == HookDecision::Kind::give_up) {
      journal_.append(record_type::kHookGivenUp, {{"key", state.key}, {"error", decision.reason}});
      loop.logger().error("hook {}: {}", state.key, decision.reason);
      given_up = true;
      report.outcomes.push_back({.key = state.key, .kind = HookOutcome::Kind::given_up, .error = decision.reason});
    } else if (decision.kind == HookDecision::Kind::run) {
      report.outcomes.push_back(co_await run_one(state, *hook, deadline));
    }
  }
  if (given_up) co_await sync_soon(deadline);
  count_what_is_left(report);
  co_return report;
}

void HookRunner::count_what_is_left(HookReport& report) const {
  const auto now = journal_.loop().clock().wall();
  for (const auto& state : pending_hooks(journal_.so_far(), registry_, journal_.call_id())) {
    ++report.pending;
    const auto decision = decide(state, registry_.find(state.name, state.n), now);
    const auto at = decision.kind == HookDecision::Kind::wait ? decision.at : now;
    report.next_try = report.next_try ? std::min(*report.next_try, at) : at;
  }
}

}  // namespace parley::job
