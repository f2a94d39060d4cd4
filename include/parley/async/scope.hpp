// A call's background work: every task of one owner, and one way to end them.
//
// Thread: the loop thread only.
// Bound:  at most `max_tasks`; spawn() refuses beyond it.
// Ending: request_stop() tells every task; close() waits for them until the deadline and names those that stayed.
//         Called from one of its own tasks (or a child scope's), close() and kill() are a request_stop() whose rest is
//         done in the next turn: the calling task is stopped like the others. The destructor is kill(); it asserts only
//         that no task of the scope is running.
// Order:  a scope is the last member of its owner, so that its tasks are destroyed before what they use.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/intrusive/list.hpp>

#include <parley/async/close.hpp>
#include <parley/async/event.hpp>
#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley {

class Scope {
 public:
  static constexpr std::size_t kDefaultMaxTasks = 64;

  // A root: the top of a tree of scopes.
  Scope(Loop& loop, std::string name, std::size_t max_tasks = kDefaultMaxTasks);
  // A child: stopped and closed with its parent, and reported by it.
  Scope(Scope& parent, std::string name, std::size_t max_tasks = kDefaultMaxTasks);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // Starts `task` under `name` (shown in reports). Refuses with Errc::closing once a stop was requested, with
  // Errc::overloaded beyond max_tasks. A task that ends by an exception stops the scope with StopCause::failure.
  Result<void> spawn(std::string_view name, Task<void> task);

  // Tells every task, here and in child scopes, to stop. Idempotent; the first reason is kept.
  void request_stop(StopReason reason) noexcept;
  bool stopping() const noexcept { return stopping_; }
  const StopReason& stop_reason() const noexcept { return stop_reason_; }

  // Set by request_stop: for tasks of *other* scopes that want to know.
  Event& stop_event() noexcept { return stop_event_; }

  // Waits for all tasks, here and in child scopes, at most until `deadline`; those that stayed are destroyed and named.
  // All callers share one run; the earliest deadline counts. A caller that is destroyed meanwhile just drops out.
  Task<CloseReport> close(Deadline deadline);

  // Destroys every remaining task now, without running it further.
  void kill() noexcept;

  // Until no task is left, without stopping any: Errc::timeout if the deadline comes first. A failed task's error comes
  // out here as Errc::internal.
  Task<Result<void>> wait_idle(Deadline deadline);

  // For owners of native things that could not be destroyed in time.
  void note_abandoned(std::string_view name, std::string_view why);

  Loop& loop() const noexcept { return loop_; }
  const std::string& name() const noexcept { return name_; }
  std::size_t tasks() const noexcept { return task_count_; }
  bool closed() const noexcept { return ending_->closed.is_set(); }

  // True while one of its tasks, or of a child scope's, is the running one.
  bool inside() const noexcept;

  // The names of the tasks that are left, children's with their path: for messages and for tests that found them stuck.
  std::vector<std::string> task_names() const;

 private:
  friend class CloseOnce;
  class Child;
  class CloseTimer;

  // Started even while stopping, and not told to stop: the body of a close. It ends with its scope's deadline.
  Result<TaskRoot*> spawn_closing(std::string_view name, Task<void> task);
  void destroy(TaskRoot& task) noexcept;
  Child& start(std::string_view name, Task<void> task, bool shielded);

  void begin_close(Deadline deadline) noexcept;
  void conclude(Child& child);
  void record(const Child& child, CloseOutcome outcome, std::string detail = {});
  void kill_now() noexcept;
  void reap(Child& child) noexcept;
  void on_deadline() noexcept;
  void finish_if_done() noexcept;
  bool empty() const noexcept;

  using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  Hook sibling_hook_;
  using ScopeList = boost::intrusive::list<Scope, boost::intrusive::member_hook<Scope, Hook, &Scope::sibling_hook_>,
                                           boost::intrusive::constant_time_size<false>>;

  struct Ending {  // shared with those who wait: the first of them may destroy the scope before the others have their turn
    Event closed;
    Event idle;
    CloseReport report;
    std::string first_failure;
  };

  Loop& loop_;
  Scope* parent_ = nullptr;
  std::string name_;
  std::size_t max_tasks_;
  std::size_t task_count_ = 0;
  bool stopping_ = false;
  bool closing_ = false;
  bool killing_ = false;
  bool killed_ = false;
  StopReason stop_reason_;
  Event stop_event_;
  std::shared_ptr<Ending> ending_;
  TimePoint close_began_{};
  Deadline close_deadline_ = Deadline::bounded_by_scope();
  ScopeList scopes_;
  std::vector<std::unique_ptr<Child>> tasks_;  // in the order of spawning
  std::unique_ptr<CloseTimer> close_timer_;
  std::unique_ptr<Runnable> deferred_kill_;
};

}  // namespace parley
