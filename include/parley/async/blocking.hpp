// Calls that block (getaddrinfo, files, a user's own code), on bounded helper threads.
//
//   Result<std::string> text = co_await run_blocking<std::string>(deadline, [path] { return read_file(path); });
//
// At the deadline, or when the waiting task is destroyed, the call is abandoned: it may run to its end on its thread, its
// result is dropped and counted. Whatever the function uses it must own.
#pragma once

#include <functional>
#include <string_view>

#include <parley/async/callback.hpp>
#include <parley/base/result.hpp>

namespace parley {

// Thread: run() and close() on the loop's thread; the work on threads of its own.
class BlockingPool {
 public:
  virtual ~BlockingPool() = default;

  using Work = std::move_only_function<void()>;

  // Queues `work`, which must not throw. Errc::overloaded: the queue is full. Errc::closing: the pool is.
  virtual Result<void> submit(Work work) = 0;
};

template <class T, class Function>
Task<Result<T>> run_blocking(Deadline deadline, Function function) {
  auto& loop = co_await this_loop();
  Result<void> started;
  auto answer = co_await from_callback<Result<T>>(deadline, [&](Callback<Result<T>> done) {
    started = loop.blocking().submit([function = std::move(function), done]() mutable {
      try {
        done(function());
      } catch (const std::exception& error) {
        done(fail(Errc::internal, error.what()));
      }
    });
    if (!started) done(fail(started.error()));
  });
  if (!answer) co_return fail(answer.error());
  co_return std::move(*answer);
}

}  // namespace parley
