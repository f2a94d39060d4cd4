// One thing that the agent says: a text, or a reply that the LLM makes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <parley/async/event.hpp>
#include <parley/base/ids.hpp>
#include <parley/base/result.hpp>

namespace parley {

// Speeches are spoken in the order of their priority, and in the order in which they were asked for within one.
enum class SpeechPriority { low = 0, normal = 5, high = 10 };

struct SayOptions {
  bool interruptible = true;   // false: the caller cannot cut it by speaking
  bool add_to_history = true;  // false: the LLM never learns of it
  SpeechPriority priority = SpeechPriority::normal;
};

struct ReplyOptions {
  std::string instructions;  // for this reply alone, after the agent's own
  std::string user_input;    // not empty: enters the history as something the caller said, before the reply
  bool tools_allowed = true;
  bool interruptible = true;
  SpeechPriority priority = SpeechPriority::normal;
};

// Shared by a speech and those who hold a handle of it. Programs use SpeechHandle.
class SpeechState {
 public:
  // Whoever speaks it; none any more once it is done.
  class Speaker {
   public:
    virtual void interrupt_speech(SpeechState& speech) = 0;
    virtual void protect_speech(SpeechState& speech) = 0;

   protected:
    ~Speaker() = default;
  };

  SpeechState(std::string speech_id, SpeechPriority p, bool can_be_interrupted)
      : id(std::move(speech_id)), priority(p), interruptible(can_be_interrupted) {}

  const std::string id;
  const SpeechPriority priority;
  bool interruptible;
  bool interrupted = false;
  std::optional<Error> error;  // it could not be spoken, or not to its end
  Speaker* speaker = nullptr;
  Event done;
};

// A handle of a speech. Copies share it; dropping it changes nothing.
//
// Thread: the loop's only.
class SpeechHandle {
 public:
  explicit SpeechHandle(std::shared_ptr<SpeechState> state) : state_(std::move(state)) {}

  const std::string& id() const noexcept { return state_->id; }
  bool interruptible() const noexcept { return state_->interruptible; }
  bool interrupted() const noexcept { return state_->interrupted; }
  bool done() const noexcept { return state_->done.is_set(); }
  const std::optional<Error>& error() const noexcept { return state_->error; }

  // Silent at once. Protected speech: Errc::refused, unless `force`. Nothing happens to one that is done.
  Result<void> interrupt(bool force = false);
  // It may not be interrupted from now on. Errc::refused: it was already.
  Result<void> disallow_interruptions();

  // Until it was played to its end, interrupted, or given up; what became of it is in the handle and never thrown.
  // Errc::timeout: the deadline came first. Not from a tool of the same speech, which it would wait for:
  // see RunContext::wait_for_playout.
  Event::Wait wait(Deadline deadline) const noexcept { return state_->done.wait(deadline); }

 private:
  std::shared_ptr<SpeechState> state_;
};

}  // namespace parley
