// One text on its way to the caller: sentences to the TTS, its audio to the mixer, and what of it has been heard.
//
// Thread: the loop's only.
// Bound:  kMaxSegments sentences; the TTS is at most kLookAheadSegments sentences and kLookAhead of sound ahead of what is
//         heard, so that little is synthesised (and paid) that nobody hears.
// Ending: the three verbs. cut() is the caller's interruption: silent at once, and the TTS told to stop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/scope.hpp>

#include "audio/resample.hpp"
#include "session/chains.hpp"
#include "session/playout.hpp"
#include "session/spoken_text.hpp"

namespace parley {

class Utterance {
 public:
  static constexpr std::size_t kMaxSegments = 256;
  static constexpr std::size_t kLookAheadSegments = 2;
  static constexpr Duration kLookAhead = 8s;
  static constexpr Duration kMaxSegmentAudio = 120s;
  static constexpr Duration kCloseDeadline = 1s;  // of one TTS stream's farewell

  class Listener {
   public:
    virtual void utterance_audio(Utterance& utterance) = 0;    // the TTS has begun to answer
    virtual void utterance_started(Utterance& utterance) = 0;  // the caller hears it
    virtual void utterance_heard(Utterance& utterance) = 0;    // more of it: look at heard()
    virtual void utterance_over(Utterance& utterance) = 0;     // to its end, or cut
    virtual void utterance_failed(Utterance& utterance, const std::string& provider, const ProviderError& error) = 0;

   protected:
    ~Listener() = default;
  };

  Utterance(Scope& parent, Playout& playout, std::shared_ptr<Chain<Tts>> chain, const RetryOptions& retry, Listener& listener);
  ~Utterance();

  // One sentence. More than kMaxSegments are dropped.
  void say(std::string sentence);
  // No more text.
  void finish();

  void cut();

  // What the caller has heard of it.
  std::string heard() const;
  // All that was to be said.
  std::string text() const { return spoken_.text(); }
  bool over() const noexcept { return over_.is_set(); }
  bool started() const noexcept { return started_; }
  // Not all of it was heard, though it is over.
  bool incomplete() const { return over() && heard() != text(); }
  Event::Wait wait_over(Deadline deadline) noexcept { return over_.wait(deadline); }
  std::size_t characters_synthesised() const noexcept { return characters_; }

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  Task<void> run();
  Task<std::optional<ProviderError>> synthesise(Tts& tts, RetryState& retry);
  Task<void> take(TtsChunk chunk, RetryState& retry);
  Task<void> write(Samples samples);
  void push_more();
  void on_playout(const MixerEvent& event);
  bool all_text_spoken() const noexcept { return finished_ && spoken_.segments_ended() == spoken_.segments(); }

  Loop& loop_;
  Playout& playout_;
  std::shared_ptr<Chain<Tts>> chain_;
  RetryOptions retry_;
  Listener& listener_;
  Logger logger_;

  SpokenText spoken_{kTransportRate};
  std::vector<std::string> segments_;
  std::size_t pushed_ = 0;            // into the present stream
  std::uint64_t written_ = 0;         // samples, to the mixer
  std::size_t characters_ = 0;
  bool finished_ = false;             // no more text
  bool input_ended_ = false;          // the present stream knows
  bool segment_sounds_ = false;       // of the first segment that has not ended something was written
  bool started_ = false;
  std::optional<UtteranceId> id_;
  std::uint64_t played_ = 0;          // once over
  std::optional<Resampler> resampler_;
  std::uint64_t source_samples_ = 0;  // of the present stream, into the resampler
  std::uint64_t mapped_samples_ = 0;  // of those, told to spoken_
  std::uint64_t segment_samples_ = 0;  // of the first segment that has not ended

  Event text_;
  Event writable_;
  Event over_;
  Scope scope_;
  std::unique_ptr<TtsStream> stream_;
};

}  // namespace parley
