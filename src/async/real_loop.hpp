// The loop of a real process: it waits in the kernel, through Asio, for descriptors, timers and other threads.
//
// Thread: run() on the thread that owns the loop; nothing else from outside but Remote.
// Bound:  a turn runs what was ready, then at most kMaxHandlersPerTurn handlers of descriptors.
// Ending: stop() makes run() return after the present turn. Processes that serve calls never destroy theirs
//         (they end by finish_process); tests do, when nothing is left in it.
#pragma once

#include <functional>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <parley/async/loop.hpp>

#include "async/thread_pool.hpp"

namespace parley {

class RealLoop final : public Loop {
 public:
  explicit RealLoop(std::string name, Logger logger = {});
  ~RealLoop() override;

  // Until stop().
  void run();
  void stop() noexcept { stopped_ = true; }

  // Called at the start of every turn: a dead-man switch re-arms itself here.
  void set_turn_hook(std::function<void()> hook) { turn_hook_ = std::move(hook); }

  // For src/net and src/ipc: their sockets live here.
  boost::asio::io_context& io() noexcept { return io_; }

  ThreadPool& blocking() override { return pool_; }

 private:
  void turn();
  void wait();
  void poll();
  void wake_from_outside() noexcept override;

  // Wakes at least this often, so that a dead-man switch sees a living loop that has nothing to do.
  static constexpr Duration kLongestWait = 500ms;

  // Handlers of descriptors between two turns; more wait for the next one.
  static constexpr std::size_t kMaxHandlersPerTurn = 256;

  static const SystemClock& system_clock() noexcept;

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer alarm_{io_};
  TimePoint alarm_at_{};
  bool alarm_set_ = false;
  bool stopped_ = false;
  std::function<void()> turn_hook_;
  ThreadPool pool_;
};

}  // namespace parley
