#include <parley/async/loop.hpp>

#include <cassert>
#include <utility>

#include <parley/async/suspension.hpp>

namespace parley {

Loop::Loop(const Clock& clock, Random random, std::string name, Logger logger)
    : clock_(clock),
      random_(random),
      name_(std::move(name)),
      logger_(std::move(logger)),
      remote_(std::make_shared<Remote>()) {
  remote_->loop_ = this;
}

Loop::~Loop() { close_door(); }

void Loop::close_door() noexcept {
  std::vector<std::shared_ptr<ExternalSource>> rest;  // destroyed after the lock is released
  const std::lock_guard lock(remote_->mutex_);
  remote_->loop_ = nullptr;
  rest.swap(remote_->notified_);
}

bool ExternalSource::notify(std::shared_ptr<ExternalSource> source) {
  const auto remote = source->remote_;
  const std::lock_guard lock(remote->mutex_);
  if (!remote->loop_) return false;
  if (std::exchange(source->notified_, true)) return true;
  const bool first = remote->notified_.empty();
  remote->notified_.push_back(std::move(source));
  // Under the lock, so that the loop cannot go away in between.
  if (first) remote->loop_->wake_from_outside();
  return true;
}

void Loop::deliver_external() {
  std::vector<std::shared_ptr<ExternalSource>> batch;
  {
    const std::lock_guard lock(remote_->mutex_);
    batch.swap(remote_->notified_);
    for (const auto& source : batch) source->notified_ = false;
  }
  for (const auto& source : batch) source->deliver();
}

void Loop::make_ready(Runnable& runnable) noexcept {
  assert(!runnable.queued());
  ready_.push_back(runnable);
}

void Loop::arm(Timer& timer, TimePoint at) noexcept {
  timer.disarm();
  timer.at_ = at;
  timers_.insert(timer);
}

std::optional<TimePoint> Loop::next_timer() const noexcept {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->at();
}

void Loop::fire_timers() {
  const auto now = clock_.now();
  while (!timers_.empty() && timers_.begin()->at() <= now) {
    Timer& timer = *timers_.begin();
    timer.disarm();
    timer.fire();
  }
}

void Loop::run_ready() {
  ++counters_.turns;
  ReadyList batch;
  batch.swap(ready_);
  while (!batch.empty()) {
    Runnable& runnable = batch.front();
    batch.pop_front();
    run(runnable);
  }
}

void Loop::run_one(std::size_t index) {
  ++counters_.turns;
  auto it = ready_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(index));
  Runnable& runnable = *it;
  ready_.erase(it);
  run(runnable);
}

void Loop::run(Runnable& runnable) {
  ++counters_.steps;
  immediate_waits_ = 0;
  const auto began = clock_.now();
  step_name_.clear();
  runnable.run();
  const auto took = clock_.now() - began;
  if (took > counters_.longest_step) {
    counters_.longest_step = took;
    counters_.longest_step_name = step_name_;
  }
}

}  // namespace parley
