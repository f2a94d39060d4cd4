// What is called: a worker as it is shipped and the providers that it asks, each a process of its own, on free ports of
// loopback. They and their folder go with the Site.
#pragma once

#include <cstdint>
#include <string>

#include "bench/processes.hpp"

namespace parley::bench {

struct Programs {
  std::string parley;
  std::string fakes;  // the providers
  std::string agent;  // the agent's file
};

// What a reply takes whatever the worker does.
struct FixedTimes {
  Duration first_token = 200ms;
  Duration first_sound = 100ms;
  Duration final_transcript = 150ms;  // shorter than endpointing, and not in its way
  // The agent's vad.min_silence (550 ms) in whole windows of the VAD, 32 ms each; longer than its turns.endpointing.min.
  Duration endpointing = 576ms;

  Duration providers() const noexcept { return first_token + first_sound; }
};

struct Load {
  std::size_t calls = 1;
  Duration length = 60s;     // of a call
  Duration apart = 200ms;    // between two beginnings, on average
  double interrupts = 0.35;  // of the answers
  std::uint64_t seed = 1;
};

struct Site {
  Folder folder;
  Child fakes;
  Child worker;
  std::string calls_url;   // http://127.0.0.1:8080
  std::string worker_url;  // http://127.0.0.1:8081/worker

  std::string worker_log() const;  // its end

  static Result<Site> start(const Programs& programs, const Load& load, const FixedTimes& fixed);
};

}  // namespace parley::bench
