// Calls that block (getaddrinfo, files, a user's own code), on bounded helper threads.
//
//   Result<std::string> text = co_await run_blocking<std::string>(deadline, [path] { return read_file(path); });
//
// At the deadline, or when the waiting task is stopped or destroyed, the call is abandoned and counted
// (Loop::Counters::abandoned): it may run to its end on its thread, its result is dropped and counted (late_events).
// Whatever the function uses it must own.
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

namespace detail {

// A call that is under way when its waiter goes is left behind.
struct BlockingCall {
  explicit BlockingCall(Loop& l) : loop(l) {}
  ~BlockingCall() {
    if (under_way) ++loop.counters().abandoned;
  }
  BlockingCall(const BlockingCall&) = delete;
  BlockingCall& operator=(const BlockingCall&) = delete;

  Loop& loop;
  bool under_way = false;
};

}  // namespace detail

template <class T, class Function>
Task<Result<T>> run_blocking(Deadline deadline, Function function) {
  auto& loop = co_await this_loop();
  detail::BlockingCall call(loop);
  auto answer = co_await from_callback<Result<T>>(deadline, [&](Callback<Result<T>> done) {
    auto started = loop.blocking().submit([function = std::move(function), done]() mutable {
      try {
        done(function());
      } catch (const std::exception& error) {
        done(fail(Errc::internal, error.what()));
      } catch (...) {
        done(fail(Errc::internal, "an exception of unknown type"));
      }
    });
    call.under_way = started.has_value();
    if (!started) done(fail(started.error()));
  });
  if (!answer) co_return fail(answer.error());
  call.under_way = false;
  co_return std::move(*answer);
}

}  // namespace parley
