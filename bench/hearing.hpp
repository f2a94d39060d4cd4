// What a caller heard, worked out of the packets it kept when the call is over.
//
// Thread: any, one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <parley/base/bytes.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::bench {

// An RTP packet and when the network brought it.
struct Kept {
  TimePoint at;
  Bytes packet;
};

struct Heard {
  TimePoint at;
  float level = 0;              // dBFS, decoded
  bool quiet = false;           // silence, sent only because speech was just before
  std::uint32_t timestamp = 0;  // RTP, 48 kHz
};

// Decodes in the order of arrival; what is no audio of ours is left out.
Result<std::vector<Heard>> listen(std::span<const Kept> kept);

// The first one at or after `from`, and the last one before `to`, that is louder than kLoud.
std::optional<TimePoint> first_loud(std::span<const Heard> heard, TimePoint from);
std::optional<TimePoint> last_loud(std::span<const Heard> heard, TimePoint from, TimePoint to);

// Gaps of more than kLate between two packets, unless the agent was silent: it stops sending when it has been quiet for
// kHangover.
inline constexpr Duration kLate = 60ms;
std::size_t late_frames(std::span<const Heard> heard);

// Frames of 20 ms that the agent's clock counts and that did not come, of those that follow on one that came after `from`
// and before `to`. What it did not send in silence is none.
std::size_t missing_frames(std::span<const Heard> heard, TimePoint from, TimePoint to);

// What the caller said: when its first and last voiced frames were sent.
struct Said {
  TimePoint first;
  TimePoint last;
  bool interrupts = false;  // the agent was speaking
};

// What one turn shows. No answer or stop: not measured, and why.
struct TurnTimes {
  std::optional<Duration> answer;  // last voiced frame sent to the first loud packet
  std::optional<Duration> stop;    // first voiced frame sent to the last loud packet
  bool spoke_on = false;           // interrupted, the agent was not silent when the caller had finished
  bool unclear = false;            // the agent was heard while the caller spoke, and was not to be interrupted
};

// `until`: the caller's next words, or the end of the call.
TurnTimes measure_turn(std::span<const Heard> heard, const Said& said, TimePoint until);

}  // namespace parley::bench
