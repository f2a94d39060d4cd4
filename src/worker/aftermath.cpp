#include "worker/aftermath.hpp"

#include <parley/base/ids.hpp>

namespace parley::worker {

// One process that does the work after a call.
class Aftermath::Run final : public AttemptOwner {
 public:
  Run(Scope& parent, const Ports& ports, ipc::JobIdentity job)
      : attempt(parent, ports.system, ports.deadlines, std::move(job), *this, ports.counters, 0) {}

  void on_answer(ipc::Answer) override {}
  void on_event(ipc::JobEvent) override {}
  void on_phase(ipc::Phase) override {}
  void on_end(ipc::AttemptEnd) override {}
  void on_after_call(ipc::AfterCallDone d) override { done = d; }
  void on_starved() override {}

  std::optional<ipc::AfterCallDone> done;
  Attempt attempt;
};

Aftermath::Aftermath(Scope& parent, Ports ports)
    : ports_(ports), loop_(parent.loop()), scope_(parent, "aftermath", kMaxCalls) {
  all_recorded_.set();
}

Aftermath::~Aftermath() {
  scope_.kill();
  runs_in_progress_.clear();
}

void Aftermath::begin(CallRecords::End end, Duration delay) {
  const auto logger = loop_.logger().with(log_field::kCall, end.call_id);
  if (auto spawned = scope_.spawn("call " + end.call_id, see_to(std::move(end), delay)); !spawned) {
    logger.error("its end is left to the next supervisor: {}", spawned.error().message());
  }
}

// Lives in the frame of a call's task: whatever ends the task, nobody waits for its record any more.
namespace {
struct Unrecorded {
  Unrecorded(std::size_t& c, Event& e) : count(c), none(e) {
    ++count;
    none.reset();
  }
  ~Unrecorded() { release(); }
  void release() {
    if (std::exchange(released, true)) return;
    if (--count == 0) none.set();
  }
  std::size_t& count;
  Event& none;
  bool released = false;
};
}  // namespace

Task<void> Aftermath::see_to(CallRecords::End end, Duration delay) {
  Unrecorded unrecorded(unrecorded_, all_recorded_);
  auto pause = kFirstPause;
  HookCounts counted;  // of this call, so far
  if (delay > Duration::zero()) co_await sleep_for(delay);
  for (;;) {
    auto state = co_await ports_.records.finish(end, loop_.in(kRecordPatience));
    Duration wait = pause;
    if (state) {
      if (state->terminal_written) {
        ++terminal_records_;
        ports_.metrics.call_ended(state->figures);
        if (state->room && ports_.room_call_over) ports_.room_call_over(end.call_id, *state);
      }
      ports_.metrics.hooks(counted.raise_to(state->hooks));
      unrecorded.release();
      forget(end);
      if (!state->work_left) co_return;
      if (!runs_) co_return;
      if (runs_in_progress_.size() + starting_ < kMaxProcesses) {
        const auto wanted = co_await run_hooks(end.call_id);
        if (wanted == Duration::zero()) {
          pause = kFirstPause;
          continue;
        }
        wait = std::max(wanted, pause);
      }
    } else if (state.error().code() == Errc::not_found && !end.create) {
      forget(end);  // the process that nobody is sure of never was
      co_return;
    } else if (state.error().code() != Errc::refused) {
      loop_.logger().with(log_field::kCall, end.call_id).error("the end of the call is not recorded yet: {}", state.error().message());
    }
    co_await sleep_for(wait);
    pause = std::min<Duration>(pause * 2, kLongestPause);
  }
}

// The end of the process is written: its mark may go.
void Aftermath::forget(CallRecords::End& end) {
  if (!end.attempt_id.empty()) ports_.system.remove_mark(end.attempt_id);
  end.attempt_id.clear();
}

// A process that is being started counts as one, and no_processes() waits for it.
namespace {
struct Starting {
  Starting(std::size_t& c, Event& e) : count(c), over(e) { ++count; }
  ~Starting() {
    --count;
    over.set();
  }
  std::size_t& count;
  Event& over;
};
}  // namespace

// Returns how long to wait before the next try; zero: it is done.
Task<Duration> Aftermath::run_hooks(std::string call_id) {
  auto link = ports_.system.make_job_link();
  if (!link) co_return kFirstPause;
  const ipc::JobIdentity job{ipc::JobKind::after_call, call_id, make_id(loop_.random(), "AJ_"), 0};
  std::optional<Starting> starting(std::in_place, starting_, run_ended_);
  auto process = co_await ports_.zygote.spawn(job.kind, job.call_id, job.attempt_id, std::move(link->theirs), loop_.in(ports_.deadlines.start));
  if (!process) {
    loop_.logger().with(log_field::kCall, call_id).warn("the work after the call waits: {}", process.error().message());
    co_return kFirstPause;
  }
  const auto run = std::make_shared<Run>(scope_, ports_, job);
  runs_in_progress_[job.attempt_id] = run;
  starting.reset();
  if (hurry_by_) run->attempt.hurry(*hurry_by_);
  run->attempt.attach(std::move(link->ours));
  (void)co_await run->attempt.run(std::move(*process));
  end_run(job);
  if (run->done && run->done->done) co_return Duration::zero();
  co_return std::max<Duration>(run->done ? run->done->retry_in : Duration{}, 1ms);
}

void Aftermath::end_run(const ipc::JobIdentity& job) {
  ports_.system.remove_mark(job.attempt_id);
  runs_in_progress_.erase(job.attempt_id);
  run_ended_.set();
}

void Aftermath::adopt(const ipc::JobIdentity& job, std::unique_ptr<Process> process) {
  const auto run = std::make_shared<Run>(scope_, ports_, job);
  runs_in_progress_[job.attempt_id] = run;
  (void)scope_.spawn("adopted " + job.call_id, see_to_adopted(run, std::move(process)));
}

Task<void> Aftermath::see_to_adopted(std::shared_ptr<Run> run, std::unique_ptr<Process> process) {
  const auto job = run->attempt.job();
  (void)co_await run->attempt.run(std::move(process));
  end_run(job);
  begin({.call_id = job.call_id});
}

bool Aftermath::attach(const ipc::Hello& hello, int pid, std::unique_ptr<ipc::Link>& link) {
  const auto it = runs_in_progress_.find(hello.attempt_id);
  if (it == runs_in_progress_.end() || it->second->attempt.pid() != pid) return false;
  it->second->attempt.attach(std::move(link));
  it->second->attempt.hello(hello);
  it->second->attempt.welcome(0);
  return true;
}

Task<Result<void>> Aftermath::recorded(Deadline deadline) { co_return co_await all_recorded_.wait(deadline); }

Task<Result<void>> Aftermath::no_processes(Deadline deadline) {
  while (!runs_in_progress_.empty() || starting_ > 0) {
    run_ended_.reset();
    if (auto ended = co_await run_ended_.wait(deadline); !ended) co_return ended;
  }
  co_return Result<void>{};
}

void Aftermath::hurry(TimePoint by) {
  hurry_by_ = by;
  for (auto& [id, run] : runs_in_progress_) run->attempt.hurry(by);
}

}  // namespace parley::worker
