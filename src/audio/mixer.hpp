// Everything a caller hears goes through here.
#pragma once

#include <cstdint>
#include <optional>
#include <parley/audio/frame.hpp>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <vector>

#include "audio/loop_source.hpp"
#include "audio/speech_queue.hpp"

namespace parley {

enum class SourceId : std::uint64_t {};

// The only writer to the outgoing track, and the only judge of what has been played: speech is mixed with the loops,
// and a sample of speech counts as played once it is in a frame that tick() gave out. The clock runs only while the
// transport can deliver: during a stall nothing is played, and nothing is caught up afterwards.
//
// Thread: the owner's only.
// Bound:  speech as in SpeechQueue; kMaxSources loops of at most kMaxClip each; kMaxBurst frames a tick.
class Mixer {
 public:
  static constexpr std::size_t kMaxSources = 4;
  static constexpr Duration kMaxClip = 120s;
  static constexpr int kMaxBurst = 3;  // frames, after the loop woke late

  struct Output {
    std::uint32_t skipped =
        0;  // samples of time that passed unfilled, before the frames: the timestamp moves over them
    std::vector<AudioFrame> frames;  // 20 ms each, silent ones too
    std::vector<MixerEvent> events;
  };

  // To be called at next_tick(), and at once when the transport's ability to deliver changes.
  Output tick(TimePoint now, bool transport_can_deliver);

  // When the next frame is due; before the first tick, at once.
  TimePoint next_tick() const noexcept { return next_; }

  // Speech: begin, write, end, pause, resume, played. Cutting goes through the mixer, which tells it in its events.
  SpeechQueue& speech() noexcept { return speech_; }
  const SpeechQueue& speech() const noexcept { return speech_; }

  // Drops the rest of an utterance and returns the same event that the next tick will report: how much was played.
  // Cutting what is already gone does nothing.
  std::optional<MixerEvent> cut(UtteranceId id, TimePoint now);
  std::vector<MixerEvent> cut_all(TimePoint now);

  // A loop beneath the speech. Refuses more than kMaxSources and clips that are empty or longer than kMaxClip.
  Result<SourceId> add_loop(Clip clip, float gain, Duration fade_in);
  void set_gain(SourceId id, float gain, Duration fade);
  void remove(SourceId id, Duration fade_out);

 private:
  struct Source {
    SourceId id;
    LoopSource loop;
  };
  Source* find(SourceId id) noexcept;
  AudioFrame render(TimePoint now, std::vector<MixerEvent>& events);

  SpeechQueue speech_;
  std::vector<Source> sources_;
  std::uint64_t last_source_ = 0;
  std::vector<MixerEvent> pending_;  // cuts since the last tick
  bool running_ = false;
  TimePoint next_ = TimePoint::min();
};

}  // namespace parley
