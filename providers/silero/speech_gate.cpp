#include "providers/silero/speech_gate.hpp"

#include <algorithm>

namespace parley {
namespace {

std::uint64_t samples(Duration duration, int sample_rate) noexcept {
  return static_cast<std::uint64_t>(std::max(0.0, to_seconds(duration)) * sample_rate + 0.5);
}

}  // namespace

SpeechGate::SpeechGate(SpeechGateOptions options, std::size_t frame, int sample_rate) noexcept
    : options_(options),
      frame_(frame),
      min_speech_(samples(options.min_speech, sample_rate)),
      min_silence_(samples(options.min_silence, sample_rate)) {}

std::optional<SpeechEvent> SpeechGate::push(float probability) noexcept {
  position_ += frame_;
  probability_ = probability;
  const float threshold = speaking_ ? std::min(options_.activation, options_.deactivation) : options_.activation;
  return probability >= threshold ? speech(probability) : silence(probability);
}

std::optional<SpeechEvent> SpeechGate::speech(float probability) noexcept {
  if (!in_run_) first_ = position_ - frame_;
  in_run_ = true;
  last_ = position_;
  if (speaking_ || last_ - first_ < min_speech_) return std::nullopt;
  speaking_ = true;
  return SpeechEvent{SpeechEvent::Kind::started, first_, position_, probability};
}

std::optional<SpeechEvent> SpeechGate::silence(float probability) noexcept {
  in_run_ = false;
  if (!speaking_ || position_ - last_ < min_silence_) return std::nullopt;
  speaking_ = false;
  return SpeechEvent{SpeechEvent::Kind::ended, last_, position_, probability};
}

std::optional<SpeechEvent> SpeechGate::finish() noexcept {
  in_run_ = false;
  if (!speaking_) return std::nullopt;
  speaking_ = false;
  return SpeechEvent{SpeechEvent::Kind::ended, last_, position_, probability_};
}

}  // namespace parley
