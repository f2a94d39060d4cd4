// The loop of a process: one thread that runs every task, and the timers they wait for.
//
// Loop is the part that is the same in a real process and in the simulated world: a queue of what is ready, a set of
// timers, and a door for other threads. Who turns it is a subclass: the one over Asio (src/async/real_loop.hpp) waits in
// the kernel, the simulated one is turned by its World.
//
// Thread: everything on the loop's own thread, except Loop::Remote.
// Bound:  a turn runs what was ready when it began; a task that finds everything ready kMaxImmediateWaits times in a row
//         is made to take its turn again.
// Ending: a loop holds nothing. What waits in it unlinks itself when it is destroyed, and must be gone before the loop is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <parley/base/log.hpp>
#include <parley/base/random.hpp>
#include <parley/base/time.hpp>

namespace parley {

class BlockingPool;
class ExternalSource;
class TaskRoot;

// Something to be run once in a turn of the loop. Destroying it takes it out of the queue.
class Runnable {
 public:
  virtual ~Runnable() = default;
  Runnable() = default;
  Runnable(const Runnable&) = delete;
  Runnable& operator=(const Runnable&) = delete;

  bool queued() const noexcept { return ready_hook_.is_linked(); }

 protected:
  virtual void run() = 0;
  void unqueue() noexcept { ready_hook_.unlink(); }

 private:
  friend class Loop;
  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> ready_hook_;
};

// A moment at which fire() is called. Destroying it disarms it.
class Timer {
 public:
  virtual ~Timer() = default;
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const noexcept { return timer_hook_.is_linked(); }
  void disarm() noexcept { timer_hook_.unlink(); }
  TimePoint at() const noexcept { return at_; }

 protected:
  virtual void fire() = 0;

 private:
  friend class Loop;
  struct Earlier {
    bool operator()(const Timer& a, const Timer& b) const noexcept { return a.at_ < b.at_; }
  };
  boost::intrusive::set_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> timer_hook_;
  TimePoint at_{};
};

class Loop {
 public:
  static constexpr std::size_t kMaxImmediateWaits = 1000;

  struct Counters {
    std::uint64_t turns = 0;
    std::uint64_t steps = 0;         // runnables run
    std::int64_t tasks = 0;          // spawned and not yet reaped
    std::uint64_t forced = 0;        // tasks that were destroyed instead of ending by themselves
    std::uint64_t abandoned = 0;     // native things left behind for the process's end
    std::uint64_t late_events = 0;   // arrived from outside when nobody wanted them any more
    Duration longest_step{};         // and which task took it, for the operator
    std::string longest_step_name;
  };

  Loop(const Clock& clock, Random random, std::string name, Logger logger);
  virtual ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  const std::string& name() const noexcept { return name_; }
  const Logger& logger() const noexcept { return logger_; }
  Random& random() noexcept { return random_; }
  const Clock& clock() const noexcept { return clock_; }
  TimePoint now() const noexcept { return clock_.now(); }
  // Beyond the end of time: a deadline that never comes.
  Deadline in(Duration d) const noexcept {
    const auto at = now();
    return d < TimePoint::max() - at ? Deadline(at + d) : Deadline::bounded_by_scope();
  }

  void make_ready(Runnable& runnable) noexcept;
  void arm(Timer& timer, TimePoint at) noexcept;

  // The task that is running right now; null between tasks.
  TaskRoot* current() const noexcept { return current_; }

  // A task found its wait already satisfied. False: it has had enough of that in this step and must suspend.
  bool allow_immediate() noexcept { return ++immediate_waits_ <= kMaxImmediateWaits; }

  // Threads for calls that block (DNS, files). In the simulated world they block nobody and take virtual time.
  virtual BlockingPool& blocking() = 0;

  const Counters& counters() const noexcept { return counters_; }
  Counters& counters() noexcept { return counters_; }

  // The loop's door for other threads, which knock by ExternalSource::notify. It outlives the loop, and then does nothing.
  class Remote {
    friend class Loop;
    friend class ExternalSource;
    std::mutex mutex_;
    Loop* loop_ = nullptr;
    std::vector<std::shared_ptr<ExternalSource>> notified_;
  };
  const std::shared_ptr<Remote>& remote() const noexcept { return remote_; }

 protected:
  friend class CurrentTask;
  friend class ExternalSource;

  // For whoever turns the loop.
  bool has_ready() const noexcept { return !ready_.empty(); }
  std::optional<TimePoint> next_timer() const noexcept;
  void fire_timers();
  void deliver_external();
  void run_ready();           // everything that is ready now, in order
  void run_one(std::size_t index);  // the index-th ready runnable alone
  std::size_t ready_count() const noexcept { return ready_.size(); }

  // From any thread: makes the one who turns the loop look at its door.
  virtual void wake_from_outside() noexcept = 0;

  // Cut off from other threads; later notifications are refused.
  void close_door() noexcept;

 private:
  void run(Runnable& runnable);

  using ReadyList =
      boost::intrusive::list<Runnable,
                             boost::intrusive::member_hook<Runnable, decltype(Runnable::ready_hook_), &Runnable::ready_hook_>,
                             boost::intrusive::constant_time_size<false>>;
  using TimerSet =
      boost::intrusive::multiset<Timer, boost::intrusive::member_hook<Timer, decltype(Timer::timer_hook_), &Timer::timer_hook_>,
                                 boost::intrusive::compare<Timer::Earlier>, boost::intrusive::constant_time_size<false>>;

  const Clock& clock_;
  Random random_;
  std::string name_;
  Logger logger_;
  ReadyList ready_;
  TimerSet timers_;
  TaskRoot* current_ = nullptr;
  std::size_t immediate_waits_ = 0;
  std::string step_name_;  // the task of the present step
  Counters counters_;
  std::shared_ptr<Remote> remote_;
};

// Something that other threads make the loop look at. Of one loop, from its beginning to its end.
class ExternalSource {
 public:
  explicit ExternalSource(std::shared_ptr<Loop::Remote> remote) noexcept : remote_(std::move(remote)) {}
  virtual ~ExternalSource() = default;
  ExternalSource(const ExternalSource&) = delete;
  ExternalSource& operator=(const ExternalSource&) = delete;

  // Has deliver() called in a later turn; twice before that turn is one delivery. From any thread. False: the loop is gone.
  static bool notify(std::shared_ptr<ExternalSource> source);

 protected:
  // On the loop's thread.
  virtual void deliver() noexcept = 0;

 private:
  friend class Loop;
  const std::shared_ptr<Loop::Remote> remote_;
  bool notified_ = false;  // and not yet delivered; under the remote's lock
};

// A function that runs once in a later turn, unless it is destroyed first. For owners, as a member.
template <class F>
class Deferred final : public Runnable {
 public:
  explicit Deferred(F function) : function_(std::move(function)) {}

 private:
  void run() override { function_(); }
  F function_;
};

}  // namespace parley
