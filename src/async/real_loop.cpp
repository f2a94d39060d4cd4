#include "async/real_loop.hpp"

#include <boost/asio/post.hpp>

namespace parley {

const SystemClock& RealLoop::system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

RealLoop::RealLoop(std::string name, Logger logger)
    : Loop(system_clock(), Random::from_system(), std::move(name), std::move(logger)), work_(io_.get_executor()) {}

RealLoop::~RealLoop() { close_door(); }

void RealLoop::run() {
  stopped_ = false;
  while (!stopped_) turn();
}

void RealLoop::turn() {
  if (turn_hook_) turn_hook_();
  deliver_external();
  fire_timers();
  run_ready();
  if (stopped_) return;
  // The kernel is asked in every turn, also when a timer is always due; and what its handlers breed waits for the next one.
  if (!has_ready()) wait();
  poll();
}

// Until a handler of the kernel ran, the alarm's among them. It is Asio's timer because a wait in epoll itself is rounded
// up to a millisecond. One that is set too early is left alone: it costs a turn, setting it anew costs a system call.
void RealLoop::wait() {
  const auto began = now();
  auto until = began + kLongestWait;
  if (const auto timer = next_timer()) until = std::min(until, *timer);
  if (until <= began) return;
  if (!alarm_set_ || until < alarm_at_) {
    alarm_set_ = true;
    alarm_at_ = until;
    alarm_.expires_at(boost::asio::steady_timer::time_point(until.time_since_epoch()));
    alarm_.async_wait([this](const boost::system::error_code& ec) {
      if (!ec) alarm_set_ = false;
    });
  }
  io_.run_one();
}

void RealLoop::poll() {
  std::size_t handlers = 0;
  while (handlers < kMaxHandlersPerTurn && io_.poll_one() > 0) ++handlers;
}

void RealLoop::wake_from_outside() noexcept {
  // An empty handler is enough: it ends run_one_until, and the next turn looks at the door.
  boost::asio::post(io_, [] {});
}

}  // namespace parley
