// What a process holds of libdatachannel: helper threads for its calls that may block, its log, and what is still alive.
//
// The library starts its own threads with the first connection (a pool of two, one for the network) and
// keeps them until close(). There is one Engine in a process, made before the first connection and destroyed after the
// last; tests may make one after the other.
//
// Thread: made, closed and destroyed on the loop's thread; counts() from any.
// Bound:  ThreadPool::kMaxThreads helper threads, ThreadPool::kMaxQueued waiting calls.
// Ending: close(deadline) waits until every connection is destroyed and the library's threads have ended. What does not
//         end in time is abandoned and counted: a process then leaves by _exit, which runs no static destructor of the
//         library, so that skipping its clean-up is safe (its own exit handlers would race its threads).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include <parley/async/callback.hpp>
#include <parley/async/close.hpp>
#include <parley/base/log.hpp>

#include "async/thread_pool.hpp"

namespace parley::rtc {

class Native;
class Engine;

// A native connection. Whoever drops the last reference, its destruction happens on a helper thread.
using NativePtr = std::shared_ptr<Native>;

class Engine {
 public:
  explicit Engine(Logger logger = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  struct Counts {
    std::size_t connections = 0;     // native ones that exist
    std::uint64_t late_events = 0;   // from connections that nobody listens to any more
    std::uint64_t dropped_events = 0;  // because a queue was full
    std::size_t abandoned = 0;       // not destroyed when the helper threads were closed, or never handed to one
  };
  Counts counts() const noexcept;

  // Runs `function`, which may block, on a helper thread. Errc::timeout: it is abandoned, its result will be dropped.
  template <class T, class Function>
  Task<Result<T>> run(Deadline deadline, Function function) {
    Result<void> submitted;
    auto answer = co_await from_callback<Result<T>>(deadline, [&](Callback<Result<T>> done) {
      submitted = submit([function = std::move(function), done]() mutable { done(function()); });
      if (!submitted) done(fail(submitted.error()));
    });
    if (!answer) co_return fail(answer.error());
    co_return std::move(*answer);
  }

  Task<CloseReport> close(Deadline deadline);

  // Shared with native connections, which may outlive the Engine. For native.cpp.
  struct State {
    ThreadPool pool;
    Logger logger;
    std::atomic<std::size_t> connections = 0;
    std::atomic<std::uint64_t> late_events = 0;
    std::atomic<std::uint64_t> dropped_events = 0;
    std::atomic<std::size_t> abandoned = 0;
  };
  const std::shared_ptr<State>& state() const noexcept { return state_; }

 private:
  Result<void> submit(BlockingPool::Work work) { return state_->pool.submit(std::move(work)); }

  std::shared_ptr<State> state_;
};

}  // namespace parley::rtc
