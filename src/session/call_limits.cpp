#include "session/call_limits.hpp"

namespace parley {

void CallLimits::activity(bool active, TimePoint now) noexcept {
  if (active) {
    quiet_since_.reset();
    asked_ = false;
  } else if (!quiet_since_) {
    quiet_since_ = now;
  }
}

CallLimits::Verdict CallLimits::tick(TimePoint now) noexcept {
  if (ended_) return Verdict::none;
  if (options_.max_duration && now - began_ >= *options_.max_duration) {
    ended_ = true;
    return Verdict::duration_ends;
  }
  if (!options_.silence || !quiet_since_) return Verdict::none;
  const auto quiet = now - *quiet_since_;
  if (quiet >= options_.silence->hang_up_after) {
    ended_ = true;
    return Verdict::silence_ends;
  }
  if (!asked_ && !options_.silence->say.empty() && quiet >= options_.silence->ask_after) {
    asked_ = true;
    return Verdict::ask;
  }
  return Verdict::none;
}

}  // namespace parley
