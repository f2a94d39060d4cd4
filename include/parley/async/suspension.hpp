// The one way in which a task waits.
//
// Everything a task can co_await ends in a Suspension: a node that may be linked into the ready queue, the timers and one
// wait list, and unlinks itself from all of them when it is destroyed. That is why a suspended task can be destroyed at
// any time, and every bounded ending stands on it.
//
// Thread: the loop's only.
#pragma once

#include <coroutine>
#include <string>

#include <boost/intrusive/list.hpp>

#include <parley/async/loop.hpp>
#include <parley/async/stop.hpp>

namespace parley {

class Scope;
class Suspension;

// One spawned task: the chain of coroutines from the one that was spawned to the one that waits.
class TaskRoot {
 public:
  TaskRoot(Loop& loop, Scope* scope, std::string name) : loop_(loop), scope_(scope), name_(std::move(name)) {}
  virtual ~TaskRoot() = default;
  TaskRoot(const TaskRoot&) = delete;
  TaskRoot& operator=(const TaskRoot&) = delete;

  Loop& loop() const noexcept { return loop_; }
  Scope* scope() const noexcept { return scope_; }
  const std::string& name() const noexcept { return name_; }

  // The present wait, and every later one, throws Stopped. The first reason is kept.
  void stop(const StopReason& reason) noexcept;
  bool stop_requested() const noexcept { return stop_requested_; }
  const StopReason& stop_reason() const noexcept { return stop_reason_; }

  // While it is the running task: the one in whose step it is being destroyed, if that is why it runs.
  const TaskRoot* below() const noexcept { return below_; }

  // The outermost coroutine came to its end; called from inside its final suspension.
  virtual void finished() noexcept = 0;

 private:
  friend class Suspension;
  friend class CurrentTask;
  Loop& loop_;
  Scope* scope_;
  std::string name_;
  bool stop_requested_ = false;
  StopReason stop_reason_;
  bool stop_thrown_ = false;
  Suspension* waiting_ = nullptr;  // the leaf in which the chain waits
  const TaskRoot* below_ = nullptr;
};

// Marks `root` as the running task for the length of a block: a step of it, or its destruction.
class CurrentTask {
 public:
  CurrentTask(Loop& loop, TaskRoot& root) : loop_(loop), before_(loop.current_) {
    root.below_ = before_;
    loop_.current_ = &root;
    if (!before_) loop_.step_name_ = root.name();
  }
  ~CurrentTask() { loop_.current_ = before_; }
  CurrentTask(const CurrentTask&) = delete;
  CurrentTask& operator=(const CurrentTask&) = delete;

 private:
  Loop& loop_;
  TaskRoot* before_;
};

class Suspension : public Runnable, public Timer {
 public:
  // A task that swallows a Stopped and waits again gets the next one after this pause: it may be deaf, not busy.
  static constexpr Duration kDeafPause = 1ms;

  enum class Outcome { pending, woken, timed_out, stopped };

  ~Suspension() override;

  // Ends the wait: the task goes on in a later turn. Does nothing once the wait has an outcome.
  void wake() noexcept { settle(Outcome::woken); }

  Outcome outcome() const noexcept { return outcome_; }

  // Called by Task's await_transform before anything else.
  void bind(TaskRoot& root) noexcept { root_ = &root; }

 protected:
  Suspension() = default;

  TaskRoot& root() const noexcept { return *root_; }
  Loop& loop() const noexcept { return root_->loop(); }

  // True if a wait that is already satisfied may go on without suspending: a wait that was told to stop, or a task that
  // has not suspended for a long time, takes a turn of the loop all the same.
  bool may_skip() const noexcept { return !root_->stop_requested() && root_->loop().allow_immediate(); }

  // Puts the task to sleep until wake(), the deadline or a stop.
  void suspend(std::coroutine_handle<> handle, Deadline deadline) noexcept;

  // Sleeps beside the task's real wait: only wake() and the deadline end it. For within().
  void suspend_beside(std::coroutine_handle<> handle, Deadline deadline) noexcept;

  // At the start of await_resume: throws if the task was told to stop.
  void throw_if_stopped() const {
    if (outcome_ == Outcome::stopped) throw Stopped{root_->stop_reason()};
  }

 private:
  friend class TaskRoot;
  friend class WaitList;
  void run() override;
  void fire() override;
  void settle(Outcome outcome) noexcept;

  TaskRoot* root_ = nullptr;
  std::coroutine_handle<> handle_;
  Outcome outcome_ = Outcome::pending;
  boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> wait_hook_;
};

// Those who wait for one thing, first come first served.
class WaitList {
 public:
  bool empty() const noexcept { return list_.empty(); }
  void add(Suspension& waiter) noexcept { list_.push_back(waiter); }
  Suspension* first() noexcept { return list_.empty() ? nullptr : &list_.front(); }
  void wake_all() noexcept {
    while (auto* waiter = first()) waiter->wake();  // waking takes it out of the list
  }

 private:
  boost::intrusive::list<Suspension,
                         boost::intrusive::member_hook<Suspension, decltype(Suspension::wait_hook_), &Suspension::wait_hook_>,
                         boost::intrusive::constant_time_size<false>>
      list_;
};

}  // namespace parley
