// The `flite` provider: the TTS slot on one of Flite's voices.
#pragma once

#include <parley/tts.hpp>

#include "providers/flite/flite_voice.hpp"

namespace parley {

class FliteTts final : public Tts {
 public:
  explicit FliteTts(FliteVoice voice) : voice_(std::move(voice)), label_("flite/" + voice_.name()) {}

  std::string_view label() const noexcept override { return label_; }
  int sample_rate() const noexcept override { return FliteVoice::kSampleRate; }
  std::unique_ptr<TtsStream> stream(Scope& parent) override;

 private:
  FliteVoice voice_;
  std::string label_;
};

}  // namespace parley
