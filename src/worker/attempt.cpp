#include "worker/attempt.hpp"

#include <csignal>

#include <fmt/format.h>

namespace parley::worker {

using ipc::Phase;

namespace {
constexpr Duration kOwnLateness = 500ms;  // woken later than this, we do not blame others
}

Attempt::Attempt(Scope& parent, System& system, const ipc::Deadlines& deadlines, ipc::JobIdentity job, AttemptOwner& owner,
                 AttemptCounters& counters, std::size_t max_private_bytes)
    : system_(system),
      loop_(parent.loop()),
      job_(std::move(job)),
      owner_(owner),
      counters_(counters),
      max_private_bytes_(max_private_bytes),
      logger_(loop_.logger().with(log_field::kCall, job_.call_id).with(log_field::kJob, job_.attempt_id)),
      escalation_(deadlines, loop_.now()),
      on_time_at_(loop_.now()),
      scope_(parent, "attempt") {
  escalation_.on_line(false, loop_.now());
}

void Attempt::attach(std::unique_ptr<ipc::Link> link) {
  if (link_) link_->close();
  link_ = std::move(link);
  escalation_.on_line(true, loop_.now());
  read_to_end_.reset();
  (void)scope_.spawn("read", read(link_));
  look_again();
}

Task<AttemptExit> Attempt::run(std::unique_ptr<Process> process) {
  process_ = std::move(process);
  job_.pid = process_->pid();
  (void)scope_.spawn("watch", watch());
  AttemptExit exit;
  for (;;) {
    auto gone = co_await process_->wait(Deadline::bounded_by_scope());
    if (gone) {
      exit.status = *gone;
      break;
    }
    logger_.error("waiting for process {}: {}", process_->pid(), gone.error().message());
    co_await sleep_for(kLook);
  }
  if (link_) (void)co_await read_to_end_.wait(loop_.in(kLastWords));
  if (link_) link_->close();
  exit.blame = escalation_.blame();
  (void)co_await scope_.close(loop_.in(kLastWords));
  link_.reset();
  process_.reset();
  co_return exit;
}

// ---- to the job

Result<void> Attempt::say(const ipc::ToJob& message) {
  if (!link_) return fail(Errc::unavailable, "the call's process has no line to us just now");
  auto bytes = ipc::serialize(message);
  if (!bytes) return fail(bytes.error());
  return link_->send(std::move(*bytes));
}

Result<void> Attempt::begin(const std::string& metadata_json, std::optional<ipc::RoomJob> room) {
  return say(ipc::Begin{job_.call_id, job_.attempt_id, metadata_json, std::move(room)});
}

Result<void> Attempt::offer(std::uint64_t request, std::string sdp, Duration budget) {
  return say(ipc::Offer{request, std::move(sdp), budget});
}

void Attempt::welcome(std::uint64_t have_event) { (void)say(ipc::Welcome{have_event}); }

void Attempt::stop(const StopReason& reason, bool forced) {
  if (!stop_) stop_ = ipc::Stop{reason, forced};
  stop_->forced = stop_->forced || forced;
  say_stop();
}

void Attempt::say_stop() {
  if (!stop_ || !say(*stop_)) return;
  escalation_.on_stop_sent(loop_.now());
  look_again();
}

void Attempt::abandon() {
  if (link_) link_->close();
  link_.reset();
  scope_.kill();
}

void Attempt::drain(Duration grace) { (void)say(ipc::Drain{grace}); }

void Attempt::hurry(TimePoint by) {
  escalation_.hurry(by);
  look_again();
}

// ---- from the job

Task<void> Attempt::read(std::shared_ptr<ipc::Link> link) {
  for (std::size_t count = 1;; ++count) {
    auto packet = co_await link->receive(Deadline::bounded_by_scope());
    if (!packet && packet.error().code() == Errc::closing) break;
    auto message = packet ? ipc::parse_from_job(packet->bytes) : Result<ipc::FromJob>(fail(packet.error()));
    if (!message) {
      // What lies once is not asked any more. Its line is cut, so that nothing else of it is believed.
      ++counters_.protocol_errors;
      logger_.error("the job broke the protocol: {}", message.error().message());
      escalation_.condemn("it broke the protocol: " + message.error().message(), loop_.now());
      link->close();
      break;
    }
    take(std::move(*message));
    if (count % kBurst == 0) co_await sleep_for(kPause);
  }
  if (link != link_) co_return;  // it has dialled in anew meanwhile
  link_.reset();
  escalation_.on_line(false, loop_.now());
  read_to_end_.set();
  look_again();
}

void Attempt::hello(const ipc::Hello& hello) {
  escalation_.on_phase(hello.phase, hello.leave_within, loop_.now());
  on_time();
  owner_.on_phase(hello.phase);
  say_stop();
}

void Attempt::take(ipc::FromJob message) {
  const auto now = loop_.now();
  if (const auto* said = std::get_if<ipc::Hello>(&message)) {
    hello(*said);
  } else if (const auto* change = std::get_if<ipc::PhaseChange>(&message)) {
    const bool forward = change->phase >= escalation_.phase();
    escalation_.on_phase(change->phase, change->leave_within, now);
    on_time();
    if (forward) owner_.on_phase(change->phase);
  } else if (std::holds_alternative<ipc::Turns>(message)) {
    escalation_.on_turns(now);
    on_time();
  } else if (auto* answer = std::get_if<ipc::Answer>(&message)) {
    owner_.on_answer(std::move(*answer));
  } else if (auto* event = std::get_if<ipc::JobEvent>(&message)) {
    owner_.on_event(std::move(*event));
  } else if (auto* end = std::get_if<ipc::AttemptEnd>(&message)) {
    owner_.on_end(std::move(*end));
  } else if (const auto* done = std::get_if<ipc::AfterCallDone>(&message)) {
    owner_.on_after_call(*done);
  } else if (auto* linked = std::get_if<ipc::Linked>(&message)) {
    owner_.on_linked(std::move(*linked));
  } else if (const auto* rejoining = std::get_if<ipc::Rejoining>(&message)) {
    owner_.on_rejoining(rejoining->now);
  } else if (const auto* mirror = std::get_if<ipc::MirrorReport>(&message)) {
    counters_.mirror.records += mirror->records;
    counters_.mirror.lost += mirror->lost;
    counters_.mirror.failures += mirror->failures;
  }
}

// ---- promises

void Attempt::on_time() {
  on_time_at_ = loop_.now();
  woke_late_ = {};
  if (process_) effort_then_ = process_->effort();
  look_again();
}

// Whether the job, or we, waited for a processor since it was last on time.
bool Attempt::starved(TimePoint now) const {
  if (woke_late_ > kOwnLateness) return true;
  const auto effort = process_->effort();
  if (!effort) return false;
  const auto waited = effort->waited - (effort_then_ ? effort_then_->waited : Duration{});
  const auto ran = effort->ran - (effort_then_ ? effort_then_->ran : Duration{});
  const auto since = now - on_time_at_;
  if (to_seconds(waited) > kStarvedShare * to_seconds(since)) return true;
  // A job that spins is not starved, however crowded the machine is.
  const bool idle = to_seconds(ran) < 0.5 * to_seconds(since);
  return idle && waited > Duration::zero() && system_.crowded();
}

Task<void> Attempt::watch() {
  auto next_memory_check = loop_.now();
  for (;;) {
    const auto now = loop_.now();
    const bool was_starved = starved(now);
    const auto decision = escalation_.decide(now, was_starved);
    act(decision.act);
    if (now >= next_memory_check) {
      check_memory();
      next_memory_check = now + 5 * kLook;
    }
    const auto wake_at = std::min(decision.look_again, now + kLook);
    changed_.reset();
    if (co_await changed_.wait(Deadline(wake_at))) continue;
    woke_late_ = std::max(woke_late_, loop_.now() - wake_at);
  }
}

void Attempt::act(Escalation::Act act) {
  switch (act) {
    case Escalation::Act::wait: return;
    case Escalation::Act::extend:
      ++counters_.extended;
      logger_.warn("the job is late because it, or this supervisor, waited for a processor: it gets more time");
      owner_.on_starved();
      return;
    case Escalation::Act::ask:
      ++counters_.asked;
      logger_.warn("the job is told to end: {}", escalation_.blame());
      (void)say(ipc::Stop{{StopCause::failure, escalation_.blame()}, true});
      return;
    case Escalation::Act::terminate:
      ++counters_.terminated;
      logger_.warn("the job gets SIGTERM: {}", escalation_.blame());
      process_->signal(SIGTERM);
      return;
    case Escalation::Act::kill:
      ++counters_.killed;
      logger_.error("the job is killed: {}", escalation_.blame());
      process_->signal(SIGKILL);
      return;
  }
}

void Attempt::check_memory() {
  const auto bytes = process_->private_bytes();
  private_bytes_ = bytes.value_or(private_bytes_);
  if (max_private_bytes_ == 0 || !bytes || *bytes <= max_private_bytes_) return;
  escalation_.condemn(fmt::format("it has {} MiB of memory of its own, more than {}", *bytes / MiB, max_private_bytes_ / MiB), loop_.now());
  look_again();
}

}  // namespace parley::worker
