// How long to wait before the server is dialled again: exponential, with full jitter, so that a thousand workers whose server
// comes back do not knock in one moment.
//
// Pure. Bound: a pause is kShortest at least, so that a server that accepts and closes is never asked in a busy loop.
#pragma once

#include <algorithm>

#include <parley/base/random.hpp>

#include "livekit/worker/agent_worker.hpp"

namespace parley::livekit {

class Backoff {
 public:
  static constexpr Duration kShortest = 50ms;

  // Between kShortest and what has doubled with every try since reset(), up to kLongestBackoff.
  Duration next(Random& random) {
    const auto pause = between(random, kShortest, most_);
    most_ = std::min(2 * most_, AgentWorker::kLongestBackoff);
    return pause;
  }
  // The server was there and said no: nothing changes soon, and a key may be rotated some day.
  static Duration refused(Random& random) { return between(random, AgentWorker::kRefusedPause / 2, AgentWorker::kRefusedPause); }

  void reset() { most_ = AgentWorker::kFirstBackoff; }

 private:
  static Duration between(Random& random, Duration least, Duration most) {
    return least + std::chrono::duration_cast<Duration>((most - least) * random.unit());
  }

  Duration most_ = AgentWorker::kFirstBackoff;
};

}  // namespace parley::livekit
