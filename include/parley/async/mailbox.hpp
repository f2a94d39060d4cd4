// Mailbox<T>: the one door from other threads into a loop. Bounded; full means refused and counted, never waiting.
//
// The Mailbox lives on the loop. A Sender may be copied to any thread and outlives the Mailbox; it then refuses.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley {

template <class T>
class Mailbox {
  struct State;

 public:
  Mailbox(Loop& loop, std::size_t capacity) : state_(std::make_shared<State>(loop, capacity)) {}
  ~Mailbox() { state_->detach(); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  class Sender {
   public:
    // From any thread. False: full, or the mailbox is gone.
    bool try_push(T value) const { return State::push(state_, std::move(value)); }

   private:
    friend Mailbox;
    explicit Sender(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };
  Sender sender() const { return Sender(state_); }

  class [[nodiscard]] Pop final : public Suspension {
   public:
    Pop(Mailbox& mailbox, Deadline deadline) noexcept : mailbox_(mailbox), deadline_(deadline) {}
    bool await_ready() const { return !mailbox_.empty() && may_skip(); }
    void await_suspend(std::coroutine_handle<> handle) {
      suspend(handle, deadline_);
      if (outcome() != Outcome::pending) return;
      mailbox_.state_->waiters.add(*this);
      if (!mailbox_.empty()) wake();
    }
    Result<T> await_resume() {
      throw_if_stopped();
      if (auto value = mailbox_.try_pop()) return *std::move(value);
      return fail(Errc::timeout, "nothing came before the deadline");
    }

   private:
    Mailbox& mailbox_;
    Deadline deadline_;
  };

  // The next value, or Errc::timeout. One task pops at a time.
  Pop pop(Deadline deadline) noexcept { return Pop(*this, deadline); }

  std::optional<T> try_pop() {
    const std::lock_guard lock(state_->mutex);
    if (state_->queue.empty()) return std::nullopt;
    std::optional<T> value(std::move(state_->queue.front()));
    state_->queue.pop_front();
    return value;
  }

  bool empty() const {
    const std::lock_guard lock(state_->mutex);
    return state_->queue.empty();
  }

  // Refused because it was full.
  std::uint64_t dropped() const noexcept { return state_->dropped.load(std::memory_order_relaxed); }

 private:
  struct State final : ExternalSource {
    State(Loop& loop, std::size_t c) : ExternalSource(loop.remote()), capacity(c) {}

    static bool push(const std::shared_ptr<State>& self, T value) {
      {
        const std::lock_guard lock(self->mutex);
        if (self->detached) return false;
        if (self->queue.size() >= self->capacity) {
          self->dropped.fetch_add(1, std::memory_order_relaxed);
          return false;
        }
        self->queue.push_back(std::move(value));
        if (self->queue.size() > 1) return true;  // whoever pushed the first has knocked
      }
      return ExternalSource::notify(self);
    }

    // What knocked may have been taken since, by a pop that did not have to wait.
    void deliver() noexcept override {
      std::size_t values = 0;
      {
        const std::lock_guard lock(mutex);
        values = queue.size();
      }
      for (auto* waiter = waiters.first(); waiter && values > 0; waiter = waiters.first(), --values) waiter->wake();
    }

    void detach() {
      std::deque<T> rest;  // destroyed after the lock is released
      const std::lock_guard lock(mutex);
      detached = true;
      rest.swap(queue);
    }

    const std::size_t capacity;
    std::mutex mutex;
    std::deque<T> queue;
    bool detached = false;
    std::atomic<std::uint64_t> dropped = 0;
    WaitList waiters;  // the loop thread's only
  };

  std::shared_ptr<State> state_;
};

}  // namespace parley
