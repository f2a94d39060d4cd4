#include "worker/supervisor.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "worker/supervisor_call.hpp"

namespace parley::worker {

Supervisor::Supervisor(Loop& loop, SupervisorConfig config, System& system, CallRecords& records)
    : loop_(loop),
      config_(config),
      system_(system),
      records_(records),
      slots_(config.slots),
      metrics_(config.node_name),
      scope_(loop, "supervisor"),
      calls_scope_(scope_, "calls", kMaxCalls),
      greetings_(scope_, "greetings", 256),
      zygote_(scope_, system),
      inference_(scope_, system),
      aftermath_(scope_, {system, zygote_, records, config_.deadlines, attempt_counters_, metrics_,
                          [this](const std::string& call_id, const CallRecords::State& state) { room_call_over(call_id, state); }}) {}

Supervisor::~Supervisor() {
  scope_.kill();
  calls_.clear();
}

Task<Result<void>> Supervisor::start() {
  // The zygote warms up meanwhile; it serves nobody yet.
  zygote_.start();
  inference_.start();
  auto found = take_over();
  if (!found) co_return fail(found.error());
  if (auto spawned = scope_.spawn("accept_jobs", accept_jobs()); !spawned) co_return spawned;
  if (expected_ > 0) {
    loop_.logger().info("{} jobs of an earlier supervisor are taken over", expected_);
    if (!co_await all_dialled_.wait(loop_.in(kAdoptionWindow))) {
      loop_.logger().warn("{} of them have not dialled in yet: they are watched all the same", expected_);
    }
  }
  (void)scope_.spawn("housekeeping", housekeeping());
  (void)scope_.spawn("watch_disk", watch_disk());
  (void)scope_.spawn("tidy_journals", tidy_journals());
  serving_ = true;
  co_return Result<void>{};
}

// Forgets ended calls after a while, and reaps what became ours.
Task<void> Supervisor::housekeeping() {
  for (;;) {
    memory_use_ = system_.memory_use();
    co_await sleep_for(1s);
    const auto now = loop_.now();
    std::size_t kept = 0;
    for (const auto& [id, call] : calls_) kept += call->gone_at ? 1 : 0;
    std::erase_if(calls_, [&](const auto& entry) {
      const auto& call = *entry.second;
      return call.gone_at && (now - *call.gone_at > kKeep || (kept > kMaxKept && kept-- > 0));
    });
    system_.reap_strays();
  }
}

Task<void> Supervisor::watch_disk() {
  for (;;) {
    const bool answered = co_await records_.look_at_disk(loop_.in(kDiskLook));
    co_await sleep_for(answered ? kDiskLook : kSlowDiskLook);
  }
}

Task<void> Supervisor::tidy_journals() {
  for (;;) {
    (void)co_await records_.keep_within_bounds(loop_.in(kTidyPatience));
    co_await sleep_for(kTidyEvery);
  }
}

// ---- drain

void Supervisor::hurry() { hurried_.set(); }

Task<bool> Supervisor::wait_calls_gone(Deadline deadline) {
  while (active_ > 0 || (reserved_ > 0 && !cutting_)) {
    gone_.reset();
    if (!co_await gone_.wait(deadline)) co_return false;
  }
  co_return true;
}

Task<bool> Supervisor::drain() {
  draining_ = true;
  if (room_server_) room_server_->drain();
  if (active_ > 0) {
    loop_.logger().info("draining: calls may finish within {:.0f} s; {} are going on", to_seconds(config_.drain_grace), active_);
  }
  for (auto& [id, call] : calls_) {
    if (!call->gone_at) call->attempt.drain(config_.drain_grace);
  }
  const auto grace = loop_.in(config_.drain_grace);
  Scope waiting(scope_, "drain");
  (void)waiting.spawn("gone", [](Supervisor& self, Event& done, Deadline until) -> Task<void> {
    (void)co_await self.wait_calls_gone(until);
    done.set();
  }(*this, hurried_, grace));
  (void)co_await hurried_.wait(grace);
  waiting.kill();

  cutting_ = true;
  const bool cut = std::ranges::any_of(calls_, [](const auto& entry) { return !entry.second->gone_at && !entry.second->end; });
  const auto& d = config_.deadlines;
  if (active_ > 0) {
    const auto last = loop_.now() + d.drain_forced + d.cap(ipc::Phase::closing) + d.disposal + d.finish + d.grace_after_stop;
    loop_.logger().warn("{} calls are closed now", active_);
    for (auto& [id, call] : calls_) {
      if (call->gone_at) continue;
      stop_call(*call, {StopCause::shutdown, "the worker is being stopped"}, true);
      call->attempt.hurry(last);
    }
    (void)co_await wait_calls_gone(Deadline(last + kFlushPatience));
  }
  // Work after calls that takes longer is done by the next supervisor, from the journals.
  aftermath_.stop_runs();
  const auto runs_over = loop_.now() + d.grace_after_term;
  aftermath_.hurry(runs_over);
  if (!co_await aftermath_.recorded(loop_.in(kFlushPatience))) {
    loop_.logger().error("some calls have no terminal record yet: the next supervisor writes them");
  }
  if (!co_await aftermath_.no_processes(Deadline(runs_over + d.grace_after_stop + d.grace_after_term + kFlushPatience))) {
    loop_.logger().warn("work after {} calls goes on without this supervisor", aftermath_.processes());
  }
  co_await inference_.stop(loop_.in(d.finish));
  co_return !cut;
}

}  // namespace parley::worker
