// Voice activity detection: when the caller begins and stops to speak.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <parley/audio/frame.hpp>
#include <parley/base/time.hpp>

namespace parley {

struct VadOptions {
  double activation = 0.5;          // probability (0 to 1) at which speech begins
  double deactivation = 0.35;       // and below which it may end
  Duration min_speech = 50ms;       // shorter bursts are none
  Duration min_silence = 550ms;     // speech ends after this much silence
};

struct VadEvent {
  enum class Type {
    start_of_speech,
    end_of_speech,
    inference,  // one window was judged: `probability` and `speaking` say how
  };
  Type type = Type::inference;
  double probability = 0;  // 0 to 1 (inference)
  bool speaking = false;   // after this event
  Duration speech{};   // how long the caller has been speaking (start, inference) or spoke (end)
  Duration silence{};  // how long it has been silent by now
};

// One caller's detector. Fed with 16 kHz mono of any frame size; answers at once.
//
// Thread: the loop's only. Bound: keeps at most one window of samples.
class VadStream {
 public:
  virtual ~VadStream() = default;
  virtual std::vector<VadEvent> push(const AudioFrame& frame) = 0;
  // Forgets what it heard: the next frame does not follow the last one. Says nothing of a speech that was under way.
  virtual void reset() = 0;
};

// Thread: the loop's only. Its model may be shared with other processes by fork, and is then read only.
class Vad {
 public:
  virtual ~Vad() = default;
  virtual std::string_view label() const noexcept = 0;
  virtual std::unique_ptr<VadStream> stream(const VadOptions& options) = 0;
};

}  // namespace parley
