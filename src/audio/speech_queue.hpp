// What the agent says, utterance after utterance, and how much of each has been played.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <parley/audio/frame.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <vector>

#include "audio/sample_fifo.hpp"
#include "audio/samples.hpp"

namespace parley {

enum class UtteranceId : std::uint64_t {};

struct MixerEvent {
  enum class Kind {
    started,   // its first sample went out
    position,  // every kPositionInterval of it
    finished,  // it ended and all of it went out
    cut,       // the rest was dropped
    writable,  // a write that was refused in part can be continued
  };
  Kind kind;
  UtteranceId utterance;
  std::uint64_t played = 0;   // samples of it, at 48 kHz
  std::uint64_t dropped = 0;  // samples of it that were written and not played (cut only)
  TimePoint at{};
  bool operator==(const MixerEvent&) const = default;
};

// Utterances play in the order in which they were begun, one straight after the other. An utterance is written while it
// plays; when its writer is slow there is silence, and it goes on where it was.
//
// Thread: the owner's only.
// Bound:  kMaxUtterances, and kMaxBuffered of sound in all; those that wait may fill half of it, so that the one that
//         plays can always be written.
class SpeechQueue {
 public:
  static constexpr std::size_t kMaxUtterances = 64;
  static constexpr Duration kMaxBuffered = 20s;
  static constexpr Duration kPositionInterval = 100ms;
  static constexpr Duration kFade = 5ms;  // around every break, against clicks

  // A new utterance behind all others. Refuses with `overloaded` beyond kMaxUtterances.
  Result<UtteranceId> begin();

  // Appends 48 kHz samples as far as there is room and says how many were taken; when it were not all, `writable` tells
  // when to go on. An utterance that was cut or has ended takes everything and forgets it.
  std::size_t write(UtteranceId id, Samples samples);

  // Nothing more will be written.
  void end(UtteranceId id);

  // Speech is silent at once (but for the fade) and stays at its sample; writing goes on into the buffer.
  void pause();
  // Goes on at that very sample.
  void resume();
  bool paused() const noexcept { return paused_; }

  // Drops what is left. The utterance that plays fades out, and a pause ends with it. The event says how much had been
  // played: what sounds on in the fade does not count. None: no such utterance (any more).
  std::optional<MixerEvent> cut(UtteranceId id, TimePoint now);

  // Samples of it that went out; none for one that is gone.
  std::optional<std::uint64_t> played(UtteranceId id) const noexcept;

  std::optional<UtteranceId> active() const noexcept;
  std::size_t utterances() const noexcept { return queue_.size(); }

  // Adds the next `out.size()` samples to `out` (which is silent) and what happened to `events`.
  void render(MutableSamples out, TimePoint now, std::vector<MixerEvent>& events);

 private:
  struct Utterance {
    UtteranceId id;
    SampleFifo sound{};
    std::uint64_t played = 0;
    bool ended = false;
    bool refused = false;  // a write was not taken whole
  };

  Utterance* find(UtteranceId id) noexcept;
  std::size_t room(const Utterance& utterance) const noexcept;
  void keep_tail();
  std::size_t play_front(MutableSamples out, TimePoint now, std::vector<MixerEvent>& events);
  void tell_writable(TimePoint now, std::vector<MixerEvent>& events);

  std::deque<Utterance> queue_;
  std::uint64_t last_id_ = 0;
  bool paused_ = false;
  bool sounding_ = false;           // the last frame ended within speech
  std::size_t fade_in_ = 0;         // samples of the fade-in still to come
  std::vector<std::int16_t> tail_;  // of what was broken off, faded
};

}  // namespace parley
