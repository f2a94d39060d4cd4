// What ends a call by itself: its length, and a silence of both sides. Pure, like the turns.
//
// Thread: the owner's only.
#pragma once

#include <optional>

#include <parley/limits.hpp>

namespace parley {

class CallLimits {
 public:
  enum class Verdict { none, ask, silence_ends, duration_ends };

  CallLimits(const LimitOptions& options, TimePoint began) : options_(options), began_(began), quiet_since_(began) {}

  // Somebody speaks, or an answer is being made. An ask of ours is not `activity`, so that silence goes on behind it.
  void activity(bool active, TimePoint now) noexcept;
  // Each verdict is given once (ask: once a silence).
  Verdict tick(TimePoint now) noexcept;

 private:
  LimitOptions options_;
  TimePoint began_;
  std::optional<TimePoint> quiet_since_;
  bool asked_ = false;
  bool ended_ = false;
};

}  // namespace parley
