// Event: a thing that has happened, or not yet. Set once, it stays set until reset().
//
// Thread: the loop's only.
#pragma once

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

namespace parley {

class Event {
 public:
  class [[nodiscard]] Wait final : public Suspension {
   public:
    Wait(Event& event, Deadline deadline) noexcept : event_(event), deadline_(deadline) {}
    bool await_ready() const noexcept { return event_.is_set_ && may_skip(); }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      suspend(handle, deadline_);
      if (event_.is_set_) {
        wake();
      } else if (outcome() == Outcome::pending) {
        event_.waiters_.add(*this);
      }
    }
    Result<void> await_resume() const {
      throw_if_stopped();
      if (outcome() == Outcome::timed_out) return fail(Errc::timeout, "nothing happened before the deadline");
      return {};
    }

   private:
    Event& event_;
    Deadline deadline_;
  };

  void set() noexcept {
    is_set_ = true;
    waiters_.wake_all();
  }
  void reset() noexcept { is_set_ = false; }
  bool is_set() const noexcept { return is_set_; }

  // Errc::timeout if the deadline came first.
  Wait wait(Deadline deadline) noexcept { return Wait(*this, deadline); }

 private:
  bool is_set_ = false;
  WaitList waiters_;
};

}  // namespace parley
