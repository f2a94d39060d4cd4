// The bridge from an operation of Asio, on the loop's own io_context, into a task: asio_op().
//
//   auto waited = co_await asio_op(deadline, socket, [&](auto done) {
//     socket->descriptor.async_wait(posix::descriptor_base::wait_read, std::move(done));
//   });
//
// A frame may be destroyed at any suspension, so it owns nothing of what it waits for: Asio's handler holds `owner`, to
// which the socket and any buffer of the operation belong. When the waiter goes (deadline, stop, destroyed) the operation
// is cancelled; its completion finds nobody and is dropped. One that succeeded all the same is counted in
// Loop::Counters::late_events.
//
// Thread: the loop's only; the io_context is turned by no other.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

#include "net/net_error.hpp"

namespace parley::net {

namespace detail {

template <class T>
struct AsioOpState {
  using Value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

  explicit AsioOpState(std::shared_ptr<void> o, Loop& l, Suspension& w) : owner(std::move(o)), loop(l), waiter(&w) {}

  void complete(boost::system::error_code ec, Value v) {
    result.emplace(ec, std::move(v));
    if (waiter) {
      waiter->wake();
    } else if (ec != boost::asio::error::operation_aborted) {
      ++loop.counters().late_events;
    }
  }

  const std::shared_ptr<void> owner;
  Loop& loop;
  Suspension* waiter;  // null once nobody waits
  boost::asio::cancellation_signal cancel;
  std::optional<std::pair<boost::system::error_code, Value>> result;
};

}  // namespace detail

// What Asio calls when the operation is done.
template <class T>
class AsioHandler {
 public:
  using cancellation_slot_type = boost::asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return state_->cancel.slot(); }

  void operator()(boost::system::error_code ec)
    requires std::is_void_v<T>
  {
    state_->complete(ec, {});
  }
  template <class Value>
    requires(std::constructible_from<T, Value>)
  void operator()(boost::system::error_code ec, Value&& value) {
    state_->complete(ec, T(std::forward<Value>(value)));
  }

 private:
  template <class, class>
  friend class AsioOp;
  explicit AsioHandler(std::shared_ptr<detail::AsioOpState<T>> state) : state_(std::move(state)) {}
  std::shared_ptr<detail::AsioOpState<T>> state_;
};

template <class T, class Start>
class [[nodiscard]] AsioOp final : public Suspension {
 public:
  AsioOp(Deadline deadline, std::shared_ptr<void> owner, Start start)
      : deadline_(deadline), owner_(std::move(owner)), start_(std::move(start)) {}
  ~AsioOp() override {
    if (!state_) return;
    state_->waiter = nullptr;
    if (!state_->result) state_->cancel.emit(boost::asio::cancellation_type::terminal);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    suspend(handle, deadline_);
    if (root().stop_requested()) return;  // told to stop before: nothing is started
    state_ = std::make_shared<detail::AsioOpState<T>>(std::move(owner_), loop(), *this);
    start_(AsioHandler<T>(state_));
  }
  Result<T> await_resume() {
    throw_if_stopped();
    if (!state_ || !state_->result) return fail(Errc::timeout, "nothing happened before the deadline");
    auto& [ec, value] = *state_->result;
    if (ec) return fail(net_error(ec.value()));
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return std::move(value);
    }
  }

 private:
  Deadline deadline_;
  std::shared_ptr<void> owner_;
  Start start_;
  std::shared_ptr<detail::AsioOpState<T>> state_;
};

// `start(handler)` begins the operation; it is called at most once, before the task sleeps.
template <class T = void, class Start>
AsioOp<T, Start> asio_op(Deadline deadline, std::shared_ptr<void> owner, Start start) {
  return AsioOp<T, Start>(deadline, std::move(owner), std::move(start));
}

}  // namespace parley::net
