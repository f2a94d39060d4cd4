// Jobs of an earlier supervisor: found by their marks, known by their processes, heard when they dial in.
#include <set>

#include <fmt/format.h>

#include "worker/supervisor_call.hpp"

namespace parley::worker {

Result<std::size_t> Supervisor::take_over() {
  auto jobs = system_.find_jobs();
  if (!jobs) return fail(jobs.error().within("jobs of an earlier supervisor"));
  std::set<std::string> known;  // calls that are seen to already
  std::vector<ipc::JobIdentity> dead;
  for (auto& found : *jobs) {
    if (!found.process) {
      dead.push_back(found.job);
    } else if (known.insert(found.job.call_id).second) {
      adopt(found.job, std::move(found.process));
    }
  }
  for (const auto& job : dead) {
    const bool first = known.insert(job.call_id).second;
    // The mark of a call's own process stays until its end is recorded.
    if (!first || job.kind == ipc::JobKind::after_call) system_.remove_mark(job.attempt_id);
    if (!first) continue;
    CallRecords::End end{.call_id = job.call_id};
    if (job.kind == ipc::JobKind::call) {
      end.attempt_id = job.attempt_id;
      end.exit.detail = "died while no supervisor was there";
    }
    aftermath_.begin(std::move(end));
  }
  auto left = records_.unfinished();
  if (!left) return fail(left.error().within("journals of earlier calls"));
  for (auto& call_id : *left) {
    if (!known.contains(call_id)) aftermath_.begin({.call_id = call_id});
  }
  if (expected_ == 0) all_dialled_.set();
  return jobs->size();
}

void Supervisor::adopt(const ipc::JobIdentity& job, std::unique_ptr<Process> process) {
  ++counters_.adopted;
  if (job.kind == ipc::JobKind::after_call) {
    aftermath_.adopt(job, std::move(process));
    return;
  }
  auto& call = add_call(job.call_id, job.attempt_id);
  slots_.take_over();
  call.has_slot = true;
  call.awaited = true;
  ++expected_;
  if (auto spawned = calls_scope_.spawn("call " + job.call_id, outlive(call, std::move(process))); !spawned) {
    loop_.logger().error("a job is not taken over: {}", spawned.error().message());
  }
}

Task<void> Supervisor::accept_jobs() {
  for (;;) {
    auto caller = co_await system_.acceptor().accept(Deadline::bounded_by_scope());
    if (!caller) {
      loop_.logger().error("jobs cannot dial in: {}", caller.error().message());
      co_await sleep_for(1s);
      continue;
    }
    (void)greetings_.spawn("greet", greet(std::move(caller->link), caller->pid));
  }
}

// A process that dialled in says who it is. It is believed only as far as the kernel agrees.
Task<void> Supervisor::greet(std::unique_ptr<ipc::Link> link, int pid) {
  auto packet = co_await link->receive(loop_.in(kHelloPatience));
  if (!packet) co_return;
  const auto message = ipc::parse_from_job(packet->bytes);
  const auto* hello = message ? std::get_if<ipc::Hello>(&*message) : nullptr;
  if (!hello) co_return;
  if (aftermath_.attach(*hello, pid, link)) co_return;

  auto* call = find(hello->call_id);
  if (!call) {
    // Its mark could not be read (a full disk), or it was started and nobody could tell us.
    auto process = system_.open_process(pid);
    if (!process || link->closed()) co_return;
    adopt({ipc::JobKind::call, hello->call_id, hello->attempt_id, pid}, std::move(*process));
    call = find(hello->call_id);
  }
  if (call->gone_at || call->attempt.job().attempt_id != hello->attempt_id || (call->attempt.pid() != 0 && call->attempt.pid() != pid)) {
    loop_.logger().with(log_field::kCall, hello->call_id).warn("process {} says it serves this call, which it does not", pid);
    if (auto bytes = ipc::serialize(ipc::ToJob(ipc::Stop{{StopCause::replaced, "the call is served by another process"}, true}))) {
      (void)link->send(std::move(*bytes));
    }
    co_return;
  }
  call->attempt.attach(std::move(link));
  if (hello->room) adopt_room(*call, *hello->room);
  call->attempt.hello(*hello);
  call->attempt.welcome(call->events->last_id());
  if (draining_) call->attempt.drain(config_.drain_grace);
  if (std::exchange(call->awaited, false) && --expected_ == 0) all_dialled_.set();
}

}  // namespace parley::worker
