#include "sim/world.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

namespace parley::sim {

WallTime VirtualClock::wall() const noexcept {
  // 2026-01-01T00:00:00Z when the clock reads zero.
  constexpr WallTime kEpoch{std::chrono::milliseconds(1'767'225'600'000)};
  return kEpoch + std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
}

void VirtualClock::advance_to(TimePoint at) noexcept { now_ = std::max(now_, at); }

class SimBlockingPool::Call final : public Timer {
 public:
  Call(SimBlockingPool& pool, Work work) : pool_(pool), work_(std::move(work)) {}

 private:
  void fire() override {
    auto work = std::move(work_);
    std::erase_if(pool_.calls_, [this](const auto& call) { return call.get() == this; });  // destroys this
    work();
  }

  SimBlockingPool& pool_;
  Work work_;
};

SimBlockingPool::SimBlockingPool(Loop& loop) : loop_(loop) {}
SimBlockingPool::~SimBlockingPool() = default;

Result<void> SimBlockingPool::submit(Work work) {
  if (calls_.size() >= kMaxQueued) return fail(Errc::overloaded, "too many blocking calls are waiting");
  calls_.push_back(std::make_unique<Call>(*this, std::move(work)));
  if (!hang_) loop_.arm(*calls_.back(), loop_.now() + duration_);
  return {};
}

SimLoop::SimLoop(World& world, std::string name, Random random, Logger logger)
    : Loop(world.clock(), random, std::move(name), std::move(logger)), pool_(*this) {}

SimLoop::~SimLoop() { close_door(); }

World::World(std::uint64_t seed) : seed_(seed), random_(seed), began_(clock_.now()) {}
World::~World() = default;

SimLoop& World::add_loop(std::string name, Logger logger) {
  loops_.push_back(std::make_unique<SimLoop>(*this, std::move(name), Random(random_()), std::move(logger)));
  return *loops_.back();
}

SimLoop* World::pick_ready() {
  std::size_t ready = 0;
  for (const auto& loop : loops_) ready += loop->has_ready() && !loop->frozen_ ? 1 : 0;
  if (ready == 0) return nullptr;
  auto index = random_.below(ready);
  for (const auto& loop : loops_) {
    if (loop->has_ready() && !loop->frozen_ && index-- == 0) return loop.get();
  }
  return nullptr;
}

bool World::step(TimePoint end) {
  for (const auto& loop : loops_) {
    if (loop->frozen_) continue;
    if (std::exchange(loop->knocked_, false)) loop->deliver_external();
    loop->fire_timers();
  }
  if (auto* loop = pick_ready()) {
    if (++steps_ > kMaxSteps) throw std::runtime_error("the simulated world never comes to rest: " + describe());
    if (on_step_) on_step_(steps_);
    clock_.advance_to(clock_.now() + kStepCost);
    // The hook may have ended what was ready.
    if (const auto count = loop->ready_count(); count > 0) loop->run_one(random_.below(count));
    return true;
  }
  if (std::ranges::any_of(loops_, [](const auto& loop) { return loop->knocked_ && !loop->frozen_; })) return true;
  std::optional<TimePoint> next;
  for (const auto& loop : loops_) {
    if (loop->frozen_) continue;
    if (const auto at = loop->next_timer()) next = next ? std::min(*next, *at) : *at;
  }
  if (!next || *next > end) return false;
  clock_.advance_to(*next);
  return true;
}

bool World::run_until(const std::function<bool()>& done, Duration limit) {
  const auto end = clock_.now() + limit;
  while (!done()) {
    if (clock_.now() > end || !step(end)) return done();
  }
  return true;
}

void World::run_for(Duration duration) {
  const auto end = clock_.now() + duration;
  run_until([&] { return clock_.now() >= end; }, duration);
  clock_.advance_to(end);
}

bool World::idle() const {
  return std::ranges::all_of(loops_, [](const auto& loop) { return !loop->has_ready() && !loop->knocked_ && !loop->next_timer(); });
}

std::string World::describe() const {
  auto text = fmt::format("seed {}, t={:.3f} s, step {}", seed_, to_seconds(clock_.now() - began_), steps_);
  for (const auto& loop : loops_) {
    text += fmt::format("; {}: {} tasks, {} ready", loop->name(), loop->counters().tasks, loop->ready_count());
  }
  return text;
}

}  // namespace parley::sim
