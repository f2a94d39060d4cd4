// When speech begins and ends, from a probability for every frame.
//
// A pure state machine: no model, no clock. Time is the position in the stream, in samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <parley/base/time.hpp>

namespace parley {

struct SpeechGateOptions {
  float activation = 0.5F;       // a frame from this probability on is speech
  float deactivation = 0.35F;    // while someone speaks, a frame down to this one still is
  Duration min_speech = 50ms;    // this much speech in a row is a beginning
  Duration min_silence = 550ms;  // this much silence in a row is an end
};

struct SpeechEvent {
  enum class Kind { started, ended };
  Kind kind;
  std::uint64_t at;       // started: the first sample of the speech; ended: the one after its last
  std::uint64_t noticed;  // the sample after the frame that made it sure
  float probability;      // of that frame
};

// Thread: the owner's only.
class SpeechGate {
 public:
  // Frames have `frame` samples at `sample_rate`.
  SpeechGate(SpeechGateOptions options, std::size_t frame, int sample_rate) noexcept;

  // The next frame's probability. At most one event a frame.
  std::optional<SpeechEvent> push(float probability) noexcept;

  // The stream ends or breaks here: speech that goes on ends.
  std::optional<SpeechEvent> finish() noexcept;

  bool speaking() const noexcept { return speaking_; }
  std::uint64_t position() const noexcept { return position_; }

 private:
  std::optional<SpeechEvent> speech(float probability) noexcept;
  std::optional<SpeechEvent> silence(float probability) noexcept;

  SpeechGateOptions options_;
  std::size_t frame_;
  std::uint64_t min_speech_;  // samples
  std::uint64_t min_silence_;
  std::uint64_t position_ = 0;
  std::uint64_t first_ = 0;  // of the run of speech frames that may become a beginning
  std::uint64_t last_ = 0;   // after the last speech frame
  bool in_run_ = false;
  bool speaking_ = false;
  float probability_ = 0;
};

}  // namespace parley
