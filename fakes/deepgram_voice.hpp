// Deepgram's Aura speak socket: text in, sound in pieces out.
//
// Source: Deepgram's API reference, Speak (streaming). Each Flush speaks what was said before it: the first sound comes
// `tts_first` later (or when the sound before it was sent), the rest `tts_speed` times faster than it plays, then Flushed.
#pragma once

#include <deque>
#include <memory>

#include "fakes/conversation.hpp"
#include "fakes/options.hpp"
#include "fakes/speech_sound.hpp"
#include "fakes/stats.hpp"

namespace parley::fakes {

class DeepgramVoice final : public Conversation {
 public:
  static constexpr Duration kPiece = 100ms;         // of sound in one message
  static constexpr std::size_t kMaxText = 64'000;   // characters that wait to be spoken

  DeepgramVoice(const Options& options, Stats& stats, std::shared_ptr<const Syllables> syllables, std::string model,
                std::uint64_t number);
  ~DeepgramVoice() override;

  void on_text(std::string_view text, TimePoint now) override;
  void on_binary(std::string_view bytes, TimePoint now) override;
  std::optional<Message> next(TimePoint now) override;
  std::optional<TimePoint> due() const override;
  const std::optional<End>& end() const override { return end_; }

 private:
  struct Speech {
    Talker talker;
    TimePoint from;  // its first sound
  };

  void flush(TimePoint now);
  void clear();
  void warn(std::string_view what);
  void say(std::string json) { waiting_.push_back(std::move(json)); }

  const Options& options_;
  Stats& stats_;
  std::shared_ptr<const Syllables> syllables_;
  std::deque<std::string> waiting_;
  std::deque<Speech> speeches_;
  std::string text_;          // not flushed yet
  std::size_t waiting_text_ = 0;
  TimePoint next_sound_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t number_;
  bool closing_ = false;
  std::optional<End> end_;
};

}  // namespace parley::fakes
