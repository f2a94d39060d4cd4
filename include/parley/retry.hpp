// How failures of providers are met: one policy for all of them. A failure that may not help to try again is final at once,
// and so is one after output was delivered; with a chain of providers the next one is tried without waiting.
#pragma once

#include <parley/base/time.hpp>

namespace parley {

struct RetryOptions {
  int retries = 3;                     // rounds through the chain of providers after the first
  Duration first_interval = 100ms;     // before the first of these rounds
  Duration interval = 2s;              // before each later one
  double jitter = 0.25;                // share of an interval, up or down: 0.25 of 2 s is 1.5 s to 2.5 s
  Duration max_interval = 10s;         // also for a provider's own wish; one that wants more is passed over
  Duration timeout = 10s;              // without any sign of life from a stream that owes one
  Duration healthy_after = 30s;        // of undisturbed life, and the budget is full again
  Duration recover_after = 60s;        // a provider that failed is passed over for so long while others work
};

}  // namespace parley
