// Channel<T>: a bounded queue between tasks of one loop.
//
// Full: push() waits, try_push() refuses and counts. Closed: what is inside is still delivered, then pop() says closing.
// No value is lost to a popper that is destroyed: a value already handed to it goes back to the front.
//
// Thread: the loop's only; between threads use Mailbox.
#pragma once

#include <cassert>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley {

template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) { assert(capacity > 0); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  class [[nodiscard]] Pop final : public Suspension {
   public:
    Pop(Channel& channel, Deadline deadline) noexcept : channel_(channel), deadline_(deadline) {}
    ~Pop() override {
      if (value_) channel_.give_back(std::move(*value_));
    }
    bool await_ready() {
      if (!channel_.settled() || !may_skip()) return false;
      value_ = channel_.try_pop();
      return true;
    }
    void await_suspend(std::coroutine_handle<> handle) {
      suspend(handle, deadline_);
      if (outcome() != Outcome::pending) return;
      if (channel_.settled()) {
        value_ = channel_.try_pop();
        wake();
      } else {
        channel_.poppers_.add(*this);
      }
    }
    Result<T> await_resume() {
      throw_if_stopped();
      if (value_) return *std::exchange(value_, std::nullopt);
      if (outcome() == Outcome::timed_out) return fail(Errc::timeout, "nothing came before the deadline");
      return fail(Errc::closing, "the channel is closed");
    }

   private:
    friend Channel;
    Channel& channel_;
    Deadline deadline_;
    std::optional<T> value_;
  };

  class [[nodiscard]] Push final : public Suspension {
   public:
    Push(Channel& channel, T value, Deadline deadline) noexcept
        : channel_(channel), deadline_(deadline), value_(std::move(value)) {}
    bool await_ready() {
      if (channel_.full() || channel_.closed_ || !may_skip()) return false;
      channel_.accept(std::move(value_));
      accepted_ = true;
      return true;
    }
    void await_suspend(std::coroutine_handle<> handle) {
      suspend(handle, deadline_);
      if (outcome() != Outcome::pending) return;
      if (channel_.closed_) {
        wake();
      } else if (!channel_.full()) {
        channel_.accept(std::move(value_));
        accepted_ = true;
        wake();
      } else {
        channel_.pushers_.add(*this);
      }
    }
    // Errc::closing or Errc::timeout: the value was not taken.
    Result<void> await_resume() const {
      throw_if_stopped();
      if (accepted_) return {};
      if (outcome() == Outcome::timed_out) return fail(Errc::timeout, "the channel stayed full until the deadline");
      return fail(Errc::closing, "the channel is closed");
    }

   private:
    friend Channel;
    Channel& channel_;
    Deadline deadline_;
    T value_;
    bool accepted_ = false;
  };

  // The next value; Errc::timeout, or Errc::closing once the channel is closed and empty.
  Pop pop(Deadline deadline) noexcept { return Pop(*this, deadline); }

  // Waits for room.
  Push push(T value, Deadline deadline) noexcept { return Push(*this, std::move(value), deadline); }

  std::optional<T> try_pop() {
    if (queue_.empty()) return std::nullopt;
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    if (!full()) admit_pusher();
    return value;
  }

  // False when full (counted in refused()) or closed.
  bool try_push(T value) {
    if (closed_) return false;
    if (full()) {
      ++refused_;
      return false;
    }
    accept(std::move(value));
    return true;
  }

  // Nothing more comes in. Values inside are still delivered.
  void close() noexcept {
    closed_ = true;
    pushers_.wake_all();
    if (queue_.empty()) poppers_.wake_all();
  }

  // Drops what is inside.
  void clear() noexcept {
    queue_.clear();
    while (!pushers_.empty() && !full()) admit_pusher();
  }

  bool closed() const noexcept { return closed_; }
  bool empty() const noexcept { return queue_.empty(); }
  bool full() const noexcept { return queue_.size() >= capacity_; }
  std::size_t size() const noexcept { return queue_.size(); }
  std::size_t capacity() const noexcept { return capacity_; }
  std::uint64_t refused() const noexcept { return refused_; }

 private:
  // A pop need not wait.
  bool settled() const noexcept { return !queue_.empty() || closed_; }

  void accept(T value) {
    if (auto* popper = static_cast<Pop*>(poppers_.first())) {
      popper->value_.emplace(std::move(value));
      popper->wake();
    } else {
      queue_.push_back(std::move(value));
    }
  }

  void admit_pusher() {
    if (auto* pusher = static_cast<Push*>(pushers_.first())) {
      pusher->accepted_ = true;
      queue_.push_back(std::move(pusher->value_));
      pusher->wake();
    }
  }

  void give_back(T value) {
    if (auto* popper = static_cast<Pop*>(poppers_.first())) {
      popper->value_.emplace(std::move(value));
      popper->wake();
    } else {
      queue_.push_front(std::move(value));  // may stand one above the capacity until it is taken
    }
  }

  std::size_t capacity_;
  bool closed_ = false;
  std::uint64_t refused_ = 0;
  std::deque<T> queue_;
  WaitList poppers_;
  WaitList pushers_;
};

}  // namespace parley
