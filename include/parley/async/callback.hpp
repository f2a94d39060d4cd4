// The bridge from other people's asynchronous code into a task: from_callback().
//
//   auto answer = co_await from_callback<Reply>(deadline, [&](Callback<Reply> done) { library.ask(query, done); });
//
// `done` may be copied, called from any thread, late, twice or never: the first call counts, the deadline bounds the wait,
// and what comes when nobody waits any more is dropped and counted (Loop::Counters::late_events).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley {

namespace detail {

template <class T>
struct CallbackState final : ExternalSource {
  explicit CallbackState(Loop& l) : ExternalSource(l.remote()), loop(l) {}

  void deliver() noexcept override {
    if (waiter) {
      waiter->wake();
    } else {
      ++loop.counters().late_events;
    }
  }

  Loop& loop;                    // the loop thread's only
  Suspension* waiter = nullptr;  // likewise
  std::mutex mutex;
  std::optional<T> value;
};

}  // namespace detail

template <class T>
class Callback {
 public:
  void operator()(T value) const {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->value) return;
      state_->value.emplace(std::move(value));
    }
    ExternalSource::notify(state_);
  }

 private:
  template <class, class>
  friend class FromCallback;
  explicit Callback(std::shared_ptr<detail::CallbackState<T>> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::CallbackState<T>> state_;
};

template <class T, class Start>
class [[nodiscard]] FromCallback final : public Suspension {
 public:
  FromCallback(Deadline deadline, Start start) : deadline_(deadline), start_(std::move(start)) {}
  ~FromCallback() override {
    if (state_) state_->waiter = nullptr;
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    suspend(handle, deadline_);
    if (outcome() != Outcome::pending) return;  // already told to stop: nothing is started
    state_ = std::make_shared<detail::CallbackState<T>>(loop());
    state_->waiter = this;
    start_(Callback<T>(state_));
  }
  Result<T> await_resume() {
    throw_if_stopped();
    const std::lock_guard lock(state_->mutex);
    if (state_->value) return std::move(*state_->value);
    return fail(Errc::timeout, "no answer before the deadline");
  }

 private:
  Deadline deadline_;
  Start start_;
  std::shared_ptr<detail::CallbackState<T>> state_;
};

template <class T, class Start>
FromCallback<T, Start> from_callback(Deadline deadline, Start start) {
  return FromCallback<T, Start>(deadline, std::move(start));
}

}  // namespace parley
