// within(deadline, task): the task's result, or a timeout. At the deadline the task is destroyed where it waits, so the
// bound holds whatever the task does with a request to stop.
#pragma once

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley {

namespace detail {
template <class T>
struct WithinResult {
  using type = Result<T>;
};
template <class T>
struct WithinResult<Result<T>> {
  using type = Result<T>;  // one error, not two
};
}  // namespace detail

template <class T>
class [[nodiscard]] Within final : public Suspension {
 public:
  using ResultType = typename detail::WithinResult<T>::type;

  Within(Deadline deadline, Task<T> task) noexcept : deadline_(deadline), task_(std::move(task)) {}

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
    auto& promise = task_.handle().promise();
    promise.root = &root();
    promise.continuation = awaiting;
    suspend_beside(awaiting, deadline_);
    return task_.handle();
  }
  ResultType await_resume() {
    if (!task_.handle().done()) {
      task_.reset();
      return fail(Errc::timeout, "not done by its deadline");
    }
    if constexpr (std::is_void_v<T>) {
      task_.handle().promise().take();
      return {};
    } else {
      return task_.handle().promise().take();
    }
  }

 private:
  Deadline deadline_;
  Task<T> task_;
};

template <class T>
Within<T> within(Deadline deadline, Task<T> task) noexcept {
  return Within<T>(deadline, std::move(task));
}

}  // namespace parley
