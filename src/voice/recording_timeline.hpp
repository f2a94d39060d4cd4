// Two voices on one clock: what the caller sent and what the agent was heard saying, as pairs of frames of 20 ms each. Frames
// come a little early, late or in bursts, and silence does not come at all: a frame goes behind the one before it, or, when that
// was long ago, to where the clock is.
//
// Thread: the owner's only. No clock of its own.
// Bound:  5 * kSettled pairs wait for what may still come to them; a pause of the clock becomes kLongestGap at most.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include <parley/audio/frame.hpp>
#include <parley/base/time.hpp>

namespace parley::voice {

// 20 ms at 48 kHz of both.
struct RecordedPair {
  std::array<std::int16_t, kTransportFrameSamples> caller{};
  std::array<std::int16_t, kTransportFrameSamples> agent{};
};

class RecordingTimeline {
 public:
  static constexpr std::int64_t kSlack = 5;     // frames that one may be behind the clock and still follow the one before
  static constexpr std::int64_t kSettled = 10;  // 200 ms: what is older is complete
  static constexpr std::int64_t kLongestGap = 3000;  // a minute: of a process that was stopped

  // The next pair, or, without one, so many of silence.
  using Sink = std::function<void(std::unique_ptr<RecordedPair> pair, std::int64_t silent)>;
  RecordingTimeline(TimePoint began, Sink sink) : began_(began), sink_(std::move(sink)) {}

  // Frames of 20 ms at 48 kHz; null: silence.
  void caller(const AudioFrame* frame, TimePoint now);
  void agent(const AudioFrame& frame, TimePoint now);
  // Everything up to `now` goes to the sink.
  void finish(TimePoint now);

 private:
  std::int64_t slot_at(TimePoint now) const noexcept { return (now - began_) / kFrameDuration; }
  RecordedPair* place(std::int64_t& next, TimePoint now, bool heard);
  void settle(std::int64_t until);

  TimePoint began_;
  Sink sink_;
  std::int64_t first_ = 0;  // slot of pairs_.front()
  std::deque<std::unique_ptr<RecordedPair>> pairs_;  // null: silence
  std::int64_t next_caller_ = 0;
  std::int64_t next_agent_ = 0;
};

}  // namespace parley::voice
