// The `limits` and `failure` parts of an agent file.
#pragma once

#include <optional>
#include <string>

#include <parley/base/time.hpp>

namespace parley {

// Counted from the end of the last thing that either side said (an ask does not count).
struct SilenceOptions {
  Duration ask_after = 15s;
  std::string say = "Are you still there?";  // once in a silence; empty: nothing
  Duration hang_up_after = 60s;
};

// At a limit the call ends gracefully, with StopCause::limit.
struct LimitOptions {
  std::optional<Duration> max_duration = 1h;                 // none: unlimited
  std::optional<SilenceOptions> silence = SilenceOptions{};  // none: as long as they like
};

// What the caller hears when the agent cannot go on. Synthesised when the call begins and kept, so that it needs no
// provider when it is wanted; then the caller is passed on, or the call ends.
struct FailureOptions {
  std::string say = "I am sorry, something is wrong on our side. Please call again.";
  std::string then_transfer_to{};  // where the caller is passed on, as Session::transfer; empty, or if it fails: hung up
};

}  // namespace parley
