// What is called: a worker as it is shipped, the providers that it asks and, for calls in rooms, a LiveKit server, each a
// process of its own, on free ports of loopback. They and their folder go with the Site.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/processes.hpp"
#include "livekit/api/access_token.hpp"

namespace parley::bench {

struct Programs {
  std::string parley;
  std::string fakes;  // the providers
  std::string agent;  // the agent's file
  std::string livekit_server;
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

// Under which the worker is registered with the LiveKit server.
inline constexpr const char* kAgentName = "bench";

struct Load {
  std::size_t calls = 1;
  bool rooms = false;        // of a LiveKit server, one for each call; else calls as from a browser
  Duration length = 60s;     // of a call
  Duration apart = 200ms;    // between two beginnings, on average
  double interrupts = 0.35;  // of the answers
  std::uint64_t seed = 1;
};

// Where it is.
struct Place {
  std::string calls_url{};       // http://127.0.0.1:8080; empty for calls in rooms
  std::string worker_url{};      // http://127.0.0.1:8081/worker
  livekit::Credentials rooms{};  // for calls in rooms
};

struct Site {
  Folder folder;
  Child fakes;
  std::optional<Child> livekit_server;
  Child worker;
  Place place;

  std::string logs() const;  // the end of what worker and LiveKit server said

  static Result<Site> start(const Programs& programs, const Load& load, const FixedTimes& fixed);
};

}  // namespace parley::bench
