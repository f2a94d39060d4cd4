// The caller's audio, listened to: speech by the VAD, words by the STT, which is kept alive by the retry policy.
//
// Thread: the loop's only.
// Bound:  one STT stream at a time; while there is none, audio is dropped and counted.
// Ending: the three verbs. end_input() first, when what was said last is still to be transcribed.
#pragma once

#include <memory>
#include <optional>

#include <parley/async/scope.hpp>

#include "audio/resample.hpp"
#include "session/chains.hpp"

namespace parley {

class AudioRecognition {
 public:
  static constexpr Duration kCloseDeadline = 1s;  // of one STT stream's farewell

  class Listener {
   public:
    virtual void user_started(Duration spoken) = 0;
    virtual void user_ended(Duration silence) = 0;
    virtual void user_transcript(const SttEvent& event) = 0;
    // An STT could not be had. Another round of tries begins all the same, unless the session ends.
    virtual void recognition_failed(const std::string& provider, const ProviderError& error) = 0;

   protected:
    ~Listener() = default;
  };

  AudioRecognition(Scope& parent, const VadOptions& vad, const SttOptions& stt, const RetryOptions& retry, Listener& listener);
  ~AudioRecognition();

  // Begins to listen with these providers; again after a handoff. Errc::closing: the session ends.
  Result<void> use(const Chains& chains);

  // The caller's next 20 ms; none: the caller sends nothing just now, which is silence.
  void push(const std::optional<AudioFrame>& frame);
  // What the caller says is not listened to.
  void set_discarding(bool on);
  // The connection broke: the caller's utterance, if there was one, is over.
  void reset();

  bool interim_results() const noexcept;
  // A transcript of what was said is still to come.
  bool owes_transcript() const noexcept { return final_owed_since_.has_value() && stream_ != nullptr; }
  Duration audio_recognised() const noexcept { return audio_; }
  std::uint64_t frames_dropped() const noexcept { return dropped_; }

  // No more audio. What was said last is transcribed, and nothing is tried again.
  void end_input();

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

 private:
  Task<void> run();
  Task<std::optional<ProviderError>> listen(Stt& stt, RetryState& retry);
  void hear(const AudioFrame& frame);

  Loop& loop_;
  VadOptions vad_options_;
  SttOptions stt_options_;
  RetryOptions retry_;
  Listener& listener_;

  std::shared_ptr<Vad> vad_provider_;
  std::unique_ptr<VadStream> vad_;
  std::shared_ptr<Chain<Stt>> chain_;
  std::optional<Resampler> resampler_;
  bool speaking_ = false;
  bool discarding_ = false;
  bool input_ended_ = false;
  std::uint64_t generation_ = 0;  // of providers in use
  std::optional<TimePoint> final_owed_since_;
  Duration audio_{};
  std::uint64_t dropped_ = 0;
  std::size_t silence_left_ = 0;  // frames of it that are still made up when the caller sends nothing

  Scope scope_;
  std::unique_ptr<SttStream> stream_;
};

}  // namespace parley
