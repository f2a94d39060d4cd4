// Task<T>: a coroutine that runs on a loop, as part of a scope.
//
// A Task does nothing until it is awaited by another task or spawned in a Scope. It may be destroyed at any moment at
// which it is suspended: its locals are destroyed, innermost first, and nothing of it runs again. So clean-up is RAII,
// never code after a co_await.
//
// Tasks await only what this layer offers: other Tasks and awaiters derived from Suspension. Anything else does not
// compile; foreign completions come in through from_callback() and run_blocking().
//
// Coroutine lambdas capture nothing: the captures die with the lambda, not with the frame. Pass arguments.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <parley/async/suspension.hpp>

namespace parley {

template <class T>
class Task;

namespace detail {

template <class T>
struct IsTask : std::false_type {};
template <class T>
struct IsTask<Task<T>> : std::true_type {};

struct PromiseBase {
  TaskRoot* root = nullptr;
  std::coroutine_handle<> continuation;  // none: the outermost coroutine of a spawned task

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      auto& promise = self.promise();
      if (promise.continuation) return promise.continuation;
      promise.root->finished();
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }

  template <class Awaiter>
    requires std::derived_from<std::remove_cvref_t<Awaiter>, Suspension>
  Awaiter&& await_transform(Awaiter&& awaiter) noexcept {
    awaiter.bind(*root);
    return std::forward<Awaiter>(awaiter);
  }

  template <class T>
  auto await_transform(Task<T> task) noexcept {
    return std::move(task).start(*root);
  }

  template <class Other>
    requires(!std::derived_from<std::remove_cvref_t<Other>, Suspension> && !IsTask<std::remove_cvref_t<Other>>::value)
  void await_transform(Other&&) = delete;  // a task awaits only tasks and this layer's awaiters; see from_callback
};

template <class T>
struct Promise : PromiseBase {
  std::variant<std::monostate, T, std::exception_ptr> result;

  Task<T> get_return_object() noexcept;
  template <class U>
    requires std::constructible_from<T, U&&>
  void return_value(U&& value) {
    result.template emplace<1>(std::forward<U>(value));
  }
  void unhandled_exception() noexcept { result.template emplace<2>(std::current_exception()); }
  T take() {
    if (result.index() == 2) std::rethrow_exception(std::get<2>(std::move(result)));
    return std::get<1>(std::move(result));
  }
};

template <>
struct Promise<void> : PromiseBase {
  std::exception_ptr error;

  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { error = std::current_exception(); }
  void take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  ~Task() { reset(); }

  explicit operator bool() const noexcept { return handle_ != nullptr; }

  // Destroys the coroutine, which must be suspended.
  void reset() noexcept {
    if (handle_) std::exchange(handle_, nullptr).destroy();
  }

  // Awaiting a task runs it at once, in the awaiting task's place.
  class Awaiter;
  Awaiter start(TaskRoot& root) && noexcept { return Awaiter(std::move(*this), root); }

  // For Scope and within(), which run a task without being one.
  std::coroutine_handle<promise_type> handle() const noexcept { return handle_; }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}

  std::coroutine_handle<promise_type> handle_;
};

template <class T>
class Task<T>::Awaiter {
 public:
  Awaiter(Task task, TaskRoot& root) noexcept : task_(std::move(task)) { task_.handle_.promise().root = &root; }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    task_.handle_.promise().continuation = awaiting;
    return task_.handle_;
  }
  T await_resume() { return task_.handle_.promise().take(); }

 private:
  Task task_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// The running task's own loop and stop flag:  auto& loop = co_await this_loop();
class ThisLoop final : public Suspension {
 public:
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  Loop& await_resume() const noexcept { return loop(); }
};
inline ThisLoop this_loop() noexcept { return {}; }

// Sleeps until `deadline`. Returns normally then.
class [[nodiscard]] Sleep final : public Suspension {
 public:
  explicit Sleep(Deadline deadline) noexcept : deadline_(deadline) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { suspend(handle, deadline_); }
  void await_resume() const { throw_if_stopped(); }

 private:
  Deadline deadline_;
};
inline Sleep sleep_until(TimePoint at) noexcept { return Sleep(Deadline(at)); }

class [[nodiscard]] SleepFor final : public Suspension {
 public:
  explicit SleepFor(Duration duration) noexcept : duration_(duration) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept { suspend(handle, loop().in(duration_)); }
  void await_resume() const { throw_if_stopped(); }

 private:
  Duration duration_;
};
inline SleepFor sleep_for(Duration duration) noexcept { return SleepFor(duration); }

// Lets everything else that is ready run first.
class [[nodiscard]] Yield final : public Suspension {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    suspend(handle, Deadline::bounded_by_scope());
    wake();
  }
  void await_resume() const { throw_if_stopped(); }
};
inline Yield yield() noexcept { return {}; }

}  // namespace parley
