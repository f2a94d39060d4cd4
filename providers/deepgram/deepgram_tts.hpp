// The `deepgram` provider's voice: the TTS slot on Deepgram's speak socket (Aura), or on anything that speaks its protocol.
//
// One socket serves the utterances of a job one after the other. Each segment is flushed by itself, so that its end is
// known, and may be on its way while the one before it is still being spoken.
#pragma once

#include <string>

#include <parley/tts.hpp>

#include "providers/deepgram/connect.hpp"
#include "providers/deepgram/speak_pool.hpp"
#include "providers/deepgram/speak_protocol.hpp"

namespace parley {

struct DeepgramTtsOptions {
  std::string base_url{deepgram::kBaseUrl};  // what stands before /speak
  std::string api_key;                       // empty: no Authorization header
  deepgram::SpeakOptions speak;
};

// Outlives its streams, as `client` does.
class DeepgramTts final : public Tts {
 public:
  static constexpr Duration kStallLimit = 10s;  // without a sign of the segment that is owed

  // Its sockets live in a child of `scope`.
  DeepgramTts(Scope& scope, net::WebSocketClient& client, DeepgramTtsOptions options)
      : label_("deepgram/" + options.speak.model),
        sample_rate_(options.speak.sample_rate),
        pool_(scope, client, deepgram::socket_request(options.base_url, deepgram::speak_target(options.speak), options.api_key)) {}

  std::string_view label() const noexcept override { return label_; }
  int sample_rate() const noexcept override { return sample_rate_; }
  std::unique_ptr<TtsStream> stream(Scope& parent) override;

 private:
  std::string label_;
  int sample_rate_;
  deepgram::SpeakPool pool_;
};

}  // namespace parley
