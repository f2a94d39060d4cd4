// Deepgram's v1 listen socket: it hears how loud it is, and says words for it.
//
// Source: Deepgram's API reference, Listen (streaming). While sound lasts there is an interim transcript of a growing
// number of words; `stt_final` after the sound ended, or after it once Finalize came, a final one. KeepAlive and audio
// keep the socket; without either it is closed after 10 s, as the real one does it.
#pragma once

#include <cstdint>
#include <deque>

#include "fakes/conversation.hpp"
#include "fakes/options.hpp"
#include "fakes/stats.hpp"

namespace parley::fakes {

class DeepgramEar final : public Conversation {
 public:
  static constexpr Duration kIdleLimit = 10s;
  static constexpr std::size_t kMaxWaiting = 256;  // messages; the oldest are dropped for one that does not read

  struct Format {
    int sample_rate = 16000;
    bool interim_results = false;
    bool vad_events = false;
  };

  DeepgramEar(const Options& options, Stats& stats, Format format, std::uint64_t number, TimePoint now);
  ~DeepgramEar() override;

  void on_text(std::string_view text, TimePoint now) override;
  void on_binary(std::string_view bytes, TimePoint now) override;
  std::optional<Message> next(TimePoint now) override;
  std::optional<TimePoint> due() const override;
  const std::optional<End>& end() const override { return end_; }

 private:
  void hear(bool loud, Duration length, TimePoint now);
  void begin_speech();
  void say_interim();
  void say_final(bool from_finalize);
  std::string results(bool is_final, bool from_finalize) const;
  void say(std::string json);
  void say_metadata();

  const Options& options_;
  Stats& stats_;
  Format format_;
  std::uint64_t number_;
  std::deque<std::string> waiting_;
  std::optional<End> end_;

  Duration heard_{};          // of audio, in all
  Duration loud_{};           // of sound in the present utterance
  Duration began_{};          // where in the audio it began
  Duration interim_at_{};     // of sound, when the last interim transcript was said
  bool speaking_ = false;
  bool finalize_ = false;     // asked for, and owed
  bool closing_ = false;
  TimePoint loud_until_{};    // when the last sound came
  TimePoint last_input_;
  std::uint64_t utterance_ = 0;
};

}  // namespace parley::fakes
