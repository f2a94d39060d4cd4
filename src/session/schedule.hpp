// What waits to be said: by priority, then first come first served. Pure.
//
// Bound: Session::kMaxQueuedSpeeches.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include <parley/session.hpp>

namespace parley {

class Generation;

// One speech, before it is made.
struct SpeechPlan {
  std::shared_ptr<SpeechState> state;
  std::optional<std::string> say;        // a text; none: the LLM makes it
  bool add_to_history = true;
  bool asks_after_silence = false;       // ours: no sign of life of the conversation
  std::string instructions{};
  std::optional<ChatContext> context{};  // for this reply alone; none: the history
  bool tools_allowed = true;
  std::unique_ptr<Generation> prepared{};
  TimePoint turn_ended{};                // when the caller's turn was over; none: nobody asked
  TimePoint speech_ended{};
  TimePoint transcribed{};
};

class Schedule {
 public:
  // False: full.
  bool add(SpeechPlan plan) {
    if (plans_.size() >= Session::kMaxQueuedSpeeches) return false;
    const auto after = std::ranges::find_if(plans_, [&](const SpeechPlan& p) { return p.state->priority < plan.state->priority; });
    plans_.insert(after, std::move(plan));
    return true;
  }
  const SpeechPlan* next() const noexcept { return plans_.empty() ? nullptr : &plans_.front(); }
  SpeechPlan take() {
    auto plan = std::move(plans_.front());
    plans_.pop_front();
    return plan;
  }
  std::optional<SpeechPlan> remove(const SpeechState& state) {
    const auto it = std::ranges::find_if(plans_, [&](const SpeechPlan& p) { return p.state.get() == &state; });
    if (it == plans_.end()) return std::nullopt;
    std::optional<SpeechPlan> plan(std::move(*it));
    plans_.erase(it);
    return plan;
  }
  bool empty() const noexcept { return plans_.empty(); }
  std::size_t size() const noexcept { return plans_.size(); }

 private:
  std::list<SpeechPlan> plans_;
};

}  // namespace parley
