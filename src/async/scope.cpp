#include <parley/async/scope.hpp>

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include <parley/base/exception.hpp>

namespace parley {

// A task of the scope: queued once to start it, and once more, after its last step, to be reaped. Nothing is destroyed
// from inside itself.
class Scope::Child final : public TaskRoot, public Runnable {
 public:
  Child(Scope& scope, std::string name, Task<void> task, bool shielded)
      : TaskRoot(scope.loop_, &scope, std::move(name)), task_(std::move(task)), shielded_(shielded) {
    task_.handle().promise().root = this;
    ++loop().counters().tasks;
  }
  ~Child() override { --loop().counters().tasks; }

  void finished() noexcept override {
    done_ = true;
    loop().make_ready(*this);
  }

  bool done() const noexcept { return done_; }
  bool shielded() const noexcept { return shielded_; }

  // How it ended: empty for a normal or stopped end.
  std::string failure() noexcept {
    try {
      task_.handle().promise().take();
    } catch (const Stopped&) {
    } catch (...) {
      return describe_current_exception();
    }
    return {};
  }

 private:
  void run() override {
    if (done_) {
      scope()->reap(*this);  // destroys this
      return;
    }
    const CurrentTask current(loop(), *this);
    task_.handle().resume();
  }

  Task<void> task_;
  bool shielded_;
  bool done_ = false;
};

class Scope::CloseTimer final : public Timer {
 public:
  explicit CloseTimer(Scope& scope) : scope_(scope) {}

 private:
  void fire() override { scope_.on_deadline(); }
  Scope& scope_;
};

Scope::Scope(Loop& loop, std::string name, std::size_t max_tasks)
    : loop_(loop), name_(std::move(name)), max_tasks_(max_tasks), ending_(std::make_shared<Ending>()) {
  ending_->idle.set();
}

Scope::Scope(Scope& parent, std::string name, std::size_t max_tasks) : Scope(parent.loop_, std::move(name), max_tasks) {
  parent_ = &parent;
  parent.scopes_.push_back(*this);
  if (parent.stopping_) request_stop(parent.stop_reason_);
  if (parent.closing_) begin_close(parent.close_deadline_);
}

Scope::~Scope() {
  assert(!inside() && "a scope was destroyed by one of its own tasks");
  kill_now();
  while (!scopes_.empty()) {  // outlived by a child, which has no parent then
    scopes_.front().parent_ = nullptr;
    scopes_.pop_front();
  }
  sibling_hook_.unlink();
  if (!parent_) return;
  if (parent_->closing_ && !parent_->closed()) {
    parent_->ending_->report.add(name_, ending_->report);
    parent_->finish_if_done();
  }
}

Result<void> Scope::spawn(std::string_view name, Task<void> task) {
  if (stopping_) return fail(Errc::closing, fmt::format("{} is closing: {} was not started", name_, name));
  if (task_count_ >= max_tasks_) {
    return fail(Errc::overloaded, fmt::format("{} holds {} tasks, its bound: {} was not started", name_, task_count_, name));
  }
  start(name, std::move(task), false);
  return {};
}

Result<TaskRoot*> Scope::spawn_closing(std::string_view name, Task<void> task) {
  if (killing_ || killed_ || closed()) return fail(Errc::closing, fmt::format("{} has ended: {} was not started", name_, name));
  return &start(name, std::move(task), true);
}

Scope::Child& Scope::start(std::string_view name, Task<void> task, bool shielded) {
  tasks_.push_back(std::make_unique<Child>(*this, std::string(name), std::move(task), shielded));
  ++task_count_;
  ending_->idle.reset();
  loop_.make_ready(*tasks_.back());
  return *tasks_.back();
}

void Scope::request_stop(StopReason reason) noexcept {
  if (stopping_) return;
  stopping_ = true;
  stop_reason_ = std::move(reason);
  stop_event_.set();
  for (const auto& child : tasks_) {
    if (!child->shielded()) child->stop(stop_reason_);
  }
  for (auto& scope : scopes_) scope.request_stop(stop_reason_);
}

bool Scope::inside() const noexcept {
  for (const auto* running = loop_.current(); running; running = running->below()) {
    for (const Scope* scope = running->scope(); scope; scope = scope->parent_) {
      if (scope == this) return true;
    }
  }
  return false;
}

Task<CloseReport> Scope::close(Deadline deadline) {
  const auto ending = ending_;
  begin_close(deadline);
  // A task of this scope is stopped right here, even the body of a close, which is told of no other stop: it would wait
  // for itself. Any other caller waits for the run that it shares.
  if (inside()) loop_.current()->stop(stop_reason_);
  co_await ending->closed.wait(Deadline::bounded_by_scope());
  co_return ending->report;
}

void Scope::begin_close(Deadline deadline) noexcept {
  if (closed()) return;
  if (!closing_) {
    closing_ = true;
    close_began_ = loop_.now();
    close_timer_ = std::make_unique<CloseTimer>(*this);
    request_stop({StopCause::owner_closed, {}});
  }
  close_deadline_ = close_deadline_.within(deadline);
  if (close_deadline_.is_set()) loop_.arm(*close_timer_, close_deadline_.at());
  for (auto& scope : scopes_) scope.begin_close(deadline);
  finish_if_done();
}

void Scope::on_deadline() noexcept { kill_now(); }

void Scope::kill() noexcept {
  request_stop({StopCause::owner_closed, {}});
  if (!inside()) {
    kill_now();
  } else if (!deferred_kill_) {
    auto kill_later = [this] { kill_now(); };
    deferred_kill_ = std::make_unique<Deferred<decltype(kill_later)>>(kill_later);
    loop_.make_ready(*deferred_kill_);
  }
}

void Scope::kill_now() noexcept {
  if (killing_) return;
  killing_ = true;
  request_stop({StopCause::owner_closed, {}});
  // Killing a scope may destroy others, when they live in frames of its tasks: look again from the start each time.
  for (auto it = scopes_.begin(); it != scopes_.end();) {
    if (it->killed_) {
      ++it;
    } else {
      it->kill_now();
      it = scopes_.begin();
    }
  }
  while (!tasks_.empty()) {
    auto child = std::move(tasks_.back());  // newest first: they may use what older ones made
    tasks_.pop_back();
    --task_count_;
    if (child->done()) {
      conclude(*child);  // it only had no turn to be reaped in
    } else {
      ++loop_.counters().forced;
      record(*child, CloseOutcome::forced);
    }
    // What its frames do as they go, they do from inside: a kill() of a scope above must not come back here.
    const CurrentTask going(loop_, *child);
    child.reset();
  }
  killing_ = false;
  killed_ = true;
  ending_->idle.set();
  finish_if_done();
}

void Scope::destroy(TaskRoot& task) noexcept {
  const auto it = std::ranges::find_if(tasks_, [&](const auto& child) { return child.get() == &task; });
  if (it == tasks_.end()) return;  // it is being destroyed already
  for (const auto* running = loop_.current(); running; running = running->below()) {
    assert(running != &task && "an owner was destroyed by the body of its own close");
  }
  auto child = std::move(*it);
  tasks_.erase(it);
  --task_count_;
  if (!child->done()) ++loop_.counters().forced;
  {
    const CurrentTask going(loop_, *child);
    child.reset();
  }
  if (task_count_ == 0) ending_->idle.set();
  finish_if_done();
}

void Scope::reap(Child& child) noexcept {
  const auto it = std::ranges::find_if(tasks_, [&](const auto& c) { return c.get() == &child; });
  assert(it != tasks_.end());
  const auto owned = std::move(*it);
  tasks_.erase(it);
  --task_count_;
  conclude(child);
  if (task_count_ == 0) ending_->idle.set();
  finish_if_done();
}

// How a task that has come to its end ended.
void Scope::conclude(Child& child) {
  if (auto why = child.failure(); why.empty()) {
    if (closing_) record(child, CloseOutcome::closed);
  } else {
    loop_.logger().error("task {}/{} failed: {}", name_, child.name(), why);
    if (ending_->first_failure.empty()) ending_->first_failure = why;
    record(child, CloseOutcome::failed, why);
    request_stop({StopCause::failure, why});
  }
}

void Scope::record(const Child& child, CloseOutcome outcome, std::string detail) {
  const auto took = closing_ ? loop_.now() - close_began_ : Duration::zero();
  ending_->report.add({.name = child.name(), .outcome = outcome, .took = took, .detail = std::move(detail)});
}

void Scope::note_abandoned(std::string_view name, std::string_view why) {
  ++loop_.counters().abandoned;
  ending_->report.add({.name = std::string(name), .outcome = CloseOutcome::abandoned, .took = {}, .detail = std::string(why)});
}

bool Scope::empty() const noexcept {
  return tasks_.empty() && std::ranges::all_of(scopes_, [](const Scope& s) { return s.closed() || (s.killed_ && s.empty()); });
}

void Scope::finish_if_done() noexcept {
  if (!closing_ || closed() || killing_ || !empty()) return;
  close_timer_->disarm();
  for (const auto& scope : scopes_) ending_->report.add(scope.name_, scope.ending_->report);
  ending_->report.took = loop_.now() - close_began_;
  ending_->closed.set();
  if (parent_) parent_->finish_if_done();
}

Task<Result<void>> Scope::wait_idle(Deadline deadline) {
  const auto ending = ending_;
  const auto name = name_;
  if (auto waited = co_await ending->idle.wait(deadline); !waited) co_return fail(waited.error().within(name));
  if (!ending->first_failure.empty()) co_return fail(Errc::internal, fmt::format("{}: {}", name, ending->first_failure));
  co_return Result<void>{};
}

std::vector<std::string> Scope::task_names() const {
  std::vector<std::string> names;
  for (const auto& child : tasks_) names.push_back(child->name());
  for (const auto& scope : scopes_) {
    for (auto& name : scope.task_names()) names.push_back(scope.name_ + "/" + name);
  }
  return names;
}

}  // namespace parley
