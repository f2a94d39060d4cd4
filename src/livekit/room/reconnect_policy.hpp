// What to do when a room's connection is in trouble: come back on the connection that stands, make a new one, or give up.
//
// Thread: none; pure. Time and chance are passed in.
// Bound:  a number of attempts in a row; they count on until a connection has held for kStableAfter, so that a server that accepts
//         and hangs up for ever is not asked for ever.
#pragma once

#include <string>

#include <parley/base/random.hpp>
#include <parley/base/time.hpp>

#include "livekit/room/types.hpp"

namespace parley::livekit {

struct Trouble {
  enum class Kind : std::uint8_t {
    signal_lost,   // socket cut, silent, or a goodbye without Leave
    media_lost,    // the peer connection is down or silent
    negotiation,   // offers are not answered, or ask for ever more sections
    leave_resume,  // the server's Leave, by its action
    leave_reconnect,
    leave_disconnect,
    refused,  // the server's HTTP answer: no other try helps
  };
  Kind kind = Kind::signal_lost;
  DisconnectReason reason = DisconnectReason::unknown;  // of a Leave
  std::string detail{};
};

// The later trouble weighs more if it says more: a Leave more than a lost socket, an end more than a way back.
bool outweighs(const Trouble& later, const Trouble& earlier) noexcept;

class ReconnectPolicy {
 public:
  static constexpr Duration kFirstDelay = 300ms;
  static constexpr Duration kLongestDelay = 7s;
  static constexpr Duration kStableAfter = 10s;

  explicit ReconnectPolicy(int max_attempts) : max_attempts_(max_attempts) {}

  enum class Step : std::uint8_t { resume, full, give_up };
  struct Decision {
    Step step = Step::give_up;
    Duration delay{};  // before it; the first attempt after a while of peace has none
    DisconnectReason reason = DisconnectReason::unknown;  // of giving up
    std::string detail{};
  };

  // What is the next step after `trouble`? `media_stands`: the peer connection is connected.
  Decision next(const Trouble& trouble, bool media_stands, TimePoint now, Random& random);
  void connected(TimePoint now) noexcept { connected_at_ = now; }

  int attempts() const noexcept { return attempts_; }

 private:
  int max_attempts_;
  int attempts_ = 0;
  bool full_needed_ = false;
  TimePoint connected_at_ = TimePoint::max();
  DisconnectReason told_ = DisconnectReason::unknown;  // the last that a server gave as its reason
};

}  // namespace parley::livekit
