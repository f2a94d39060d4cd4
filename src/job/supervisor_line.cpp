#include "job/supervisor_line.hpp"

#include <utility>

namespace parley::job {

SupervisorLine::SupervisorLine(Scope& parent, ipc::JobIdentity job, std::unique_ptr<ipc::Link> link, ipc::Dialer& dialer,
                               std::function<void()> orphaned)
    : parent_(parent),
      job_(std::move(job)),
      link_(std::move(link)),
      dialer_(dialer),
      orphaned_(std::move(orphaned)),
      scope_(parent, "supervisor_line") {}

void SupervisorLine::start() {
  if (link_) greet();  // before any task of ours says anything else
  (void)scope_.spawn("talk", talk());
  (void)scope_.spawn("pump", pump());
}

Task<void> SupervisorLine::talk() {
  for (;;) {
    if (link_) co_await listen();
    link_.reset();
    welcomed_ = false;
    orphaned_();
    co_await redial();
  }
}

void SupervisorLine::greet() {
  std::optional<Duration> within;
  if (leave_by_) within = std::max<Duration>(*leave_by_ - parent_.loop().now(), 1ms);
  send(ipc::Hello{job_.call_id, job_.attempt_id, phase_, within, place_});
  something_pending_.set();
}

// Until the supervisor is gone or talks nonsense.
Task<void> SupervisorLine::listen() {
  const auto link = link_;
  auto& loop = parent_.loop();
  const auto patience = loop.in(kWelcomePatience);
  for (;;) {
    auto packet = co_await link->receive(welcomed_ ? Deadline::bounded_by_scope() : patience);
    if (!packet) break;
    auto message = ipc::parse_to_job(packet->bytes);
    if (!message) {
      loop.logger().warn("hung up on the supervisor: {}", message.error().message());
      break;
    }
    if (const auto* welcome = std::get_if<ipc::Welcome>(&*message)) {
      welcomed_ = true;
      sent_event_ = std::min(welcome->have_event, next_event_ - 1);
      phase_pending_ = true;
      end_pending_ = end_.has_value();
      after_call_pending_ = after_call_.has_value();
      linked_pending_ = linked_.has_value();
      rejoining_pending_ = rejoining_.has_value();
      something_pending_.set();
    } else if (auto pushed = co_await inbox_.push(std::move(*message), Deadline::bounded_by_scope()); !pushed) {
      break;
    }
  }
  link->close();
}

Task<void> SupervisorLine::redial() {
  auto& loop = parent_.loop();
  auto pause = kFirstRedial;
  for (;;) {
    // Spread, so that a box full of jobs does not dial in the same millisecond.
    co_await sleep_for(pause / 2 + Duration(loop.random().below(static_cast<std::uint64_t>(pause.count()))));
    pause = std::min<Duration>(pause * 2, kLongestRedial);
    auto link = dialer_.dial();
    if (!link) continue;
    link_ = std::move(*link);
    greet();
    co_return;
  }
}

void SupervisorLine::phase(ipc::Phase phase, std::optional<TimePoint> leave_by) {
  phase_ = phase;
  leave_by_ = leave_by;
  phase_pending_ = true;
  all_sent_.reset();
  something_pending_.set();
  // At once, where it can be: what comes next may never give the loop back.
  if (link_ && welcomed_) (void)send_pending();
}

void SupervisorLine::turns(std::uint64_t turns) {
  turns_ = turns;
  something_pending_.set();
}

void SupervisorLine::answer(ipc::Answer answer) {
  if (answers_.size() >= kMaxAnswers) answers_.pop_front();  // whoever asked first has waited longest, and given up
  answers_.push_back(std::move(answer));
  all_sent_.reset();
  something_pending_.set();
}

std::uint64_t SupervisorLine::event(std::string type, std::string data_json) {
  backlog_bytes_ += data_json.size();
  backlog_.push_back({next_event_++, std::move(type), std::move(data_json)});
  while (backlog_.size() > kMaxBacklog || backlog_bytes_ > kMaxBacklogBytes) {
    if (backlog_.front().id > sent_event_) ++lost_events_;
    backlog_bytes_ -= backlog_.front().data_json.size();
    backlog_.pop_front();
  }
  all_sent_.reset();
  something_pending_.set();
  return next_event_ - 1;
}

void SupervisorLine::end(ipc::AttemptEnd end) {
  end_ = std::move(end);
  end_pending_ = true;
  all_sent_.reset();
  something_pending_.set();
}

void SupervisorLine::after_call(ipc::AfterCallDone done) {
  after_call_ = done;
  after_call_pending_ = true;
  all_sent_.reset();
  something_pending_.set();
}

void SupervisorLine::mirror(ipc::MirrorReport report) {
  mirror_pending_ = report;
  all_sent_.reset();
  something_pending_.set();
}

void SupervisorLine::linked(ipc::Linked linked) {
  linked_ = std::move(linked);
  linked_pending_ = true;
  all_sent_.reset();
  something_pending_.set();
}

// At once, where it can be: the server may say before the next turn what it is to be told before.
void SupervisorLine::rejoining(bool now) {
  rejoining_ = ipc::Rejoining{now};
  rejoining_pending_ = true;
  all_sent_.reset();
  something_pending_.set();
  if (link_ && welcomed_) (void)send_pending();
}

Task<void> SupervisorLine::pump() {
  for (;;) {
    (void)co_await something_pending_.wait(Deadline::bounded_by_scope());
    something_pending_.reset();
    if (!link_ || !welcomed_) continue;
    const auto link = link_;
    if (send_pending()) {
      // Nobody sends beside us, so what is flushed now is everything.
      (void)co_await link->flushed(Deadline::bounded_by_scope());
      if (link == link_ && nothing_pending()) all_sent_.set();
    } else if (!link->closed()) {
      (void)co_await link->flushed(parent_.loop().in(1s));
      something_pending_.set();
      co_await sleep_for(10ms);  // a link that is flushed and refuses all the same is about to be found closed
    }
  }
}

bool SupervisorLine::nothing_pending() const noexcept {
  return !phase_pending_ && !turns_ && answers_.empty() && !end_pending_ && !after_call_pending_ && !mirror_pending_ && !linked_pending_ &&
         !rejoining_pending_ &&
         (backlog_.empty() || backlog_.back().id <= sent_event_);
}

// False: the link takes no more just now. The order says what a reader may rely on: the end comes after every event.
bool SupervisorLine::send_pending() {
  while (!answers_.empty()) {
    if (!send(answers_.front())) return false;
    answers_.pop_front();
  }
  if (rejoining_pending_ && !send(*rejoining_)) return false;
  rejoining_pending_ = false;
  if (linked_pending_ && !send(*linked_)) return false;
  linked_pending_ = false;
  for (const auto& event : backlog_) {
    if (event.id <= sent_event_) continue;
    if (!send(event)) return false;
    sent_event_ = event.id;
  }
  if (end_pending_ && !send(*end_)) return false;
  end_pending_ = false;
  if (after_call_pending_ && !send(*after_call_)) return false;
  after_call_pending_ = false;
  if (mirror_pending_ && !send(*mirror_pending_)) return false;
  mirror_pending_.reset();
  if (phase_pending_ && !send(present_phase())) return false;
  phase_pending_ = false;
  if (turns_ && !send(ipc::Turns{*turns_})) return false;
  turns_.reset();
  return true;
}

ipc::PhaseChange SupervisorLine::present_phase() const {
  std::optional<Duration> within;
  if (leave_by_) within = std::max<Duration>(*leave_by_ - parent_.loop().now(), 1ms);
  return {phase_, within};
}

bool SupervisorLine::send(const ipc::FromJob& message) {
  auto bytes = ipc::serialize(message);
  if (!bytes) {
    parent_.loop().logger().error("not said to the supervisor: {}", bytes.error().message());
    return true;  // it will never fit; go on with the rest
  }
  return link_->send(std::move(*bytes)).has_value();
}

Task<Result<void>> SupervisorLine::flushed(Deadline deadline) {
  if (nothing_pending()) co_return Result<void>{};
  co_return co_await all_sent_.wait(deadline);
}

}  // namespace parley::job
