// The simulated world: several loops on one clock, and one seed that decides everything.
//
// Each loop stands for a process. The world turns them one step at a time; which loop and which of its ready tasks comes
// next is drawn from the seed, so a seed is a schedule, and the same seed is the same run. A step costs kStepCost of
// virtual time; when nothing is ready the clock jumps to the next timer.
//
//   World world(seed);
//   auto& loop = world.add_loop("job");
//   Scope scope(loop, "call");
//   ...
//   ASSERT_TRUE(world.run_until([&] { return scope.closed(); }, 5s)) << world.describe();
//
// Thread: one.
// Bound:  every run has a limit of virtual time, and no run makes more than kMaxSteps.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <parley/async/blocking.hpp>
#include <parley/async/loop.hpp>

namespace parley::sim {

class World;

// Time that moves only when the world turns.
class VirtualClock final : public Clock {
 public:
  TimePoint now() const noexcept override { return now_; }
  WallTime wall() const noexcept override;
  void advance_to(TimePoint at) noexcept;

 private:
  TimePoint now_{std::chrono::hours(1)};
};

// Blocking calls take virtual time and block nobody.
class SimBlockingPool final : public BlockingPool {
 public:
  static constexpr std::size_t kMaxQueued = 256;

  explicit SimBlockingPool(Loop& loop);
  ~SimBlockingPool() override;
  Result<void> submit(Work work) override;

  // How long each call takes from now on.
  void set_duration(Duration duration) noexcept { duration_ = duration; }
  // Calls submitted from now on never return.
  void hang(bool on) noexcept { hang_ = on; }

 private:
  class Call;
  Loop& loop_;
  Duration duration_ = 1ms;
  bool hang_ = false;
  std::vector<std::unique_ptr<Call>> calls_;
};

class SimLoop final : public Loop {
 public:
  SimLoop(World& world, std::string name, Random random, Logger logger);
  ~SimLoop() override;

  SimBlockingPool& blocking() override { return pool_; }

  // A process whose loop is busy for ever, or stopped: nothing of it runs until it is let go.
  void freeze(bool on) noexcept { frozen_ = on; }
  bool frozen() const noexcept { return frozen_; }

 private:
  friend class World;
  void wake_from_outside() noexcept override { knocked_ = true; }

  bool knocked_ = false;
  bool frozen_ = false;
  SimBlockingPool pool_;
};

class World {
 public:
  static constexpr Duration kStepCost = 1us;
  static constexpr std::uint64_t kMaxSteps = 50'000'000;

  explicit World(std::uint64_t seed);
  ~World();

  std::uint64_t seed() const noexcept { return seed_; }
  Random& random() noexcept { return random_; }
  VirtualClock& clock() noexcept { return clock_; }
  TimePoint now() const noexcept { return clock_.now(); }
  std::uint64_t steps() const noexcept { return steps_; }

  // A loop lives as long as the world.
  SimLoop& add_loop(std::string name, Logger logger = {});

  // Called before each step with the number of steps made so far: the cut sweep ends the call here.
  void on_step(std::function<void(std::uint64_t)> hook) { on_step_ = std::move(hook); }

  // Turns the loops until `done` (true), or until `limit` of virtual time has passed or nothing is left to happen (false).
  bool run_until(const std::function<bool()>& done, Duration limit);
  void run_for(Duration duration);

  // Nothing is ready, and no timer is armed.
  bool idle() const;

  // "seed 7, t=1.204 s, step 812; job: 3 tasks, 0 ready": for the message of a failed test.
  std::string describe() const;

 private:
  bool step(TimePoint end);
  SimLoop* pick_ready();

  std::uint64_t seed_;
  Random random_;
  VirtualClock clock_;
  TimePoint began_;
  std::uint64_t steps_ = 0;
  std::function<void(std::uint64_t)> on_step_;
  std::vector<std::unique_ptr<SimLoop>> loops_;
};

}  // namespace parley::sim
