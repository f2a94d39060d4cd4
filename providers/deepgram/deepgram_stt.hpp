// The `deepgram` provider's ear: the STT slot on Deepgram's v1 listen socket, or on anything that speaks its protocol.
//
// One socket a call. Deepgram gives out finished pieces as it hears pauses; a flush makes it finish the rest.
#pragma once

#include <string>

#include <parley/stt.hpp>

#include "net/websocket.hpp"
#include "providers/deepgram/connect.hpp"
#include "providers/deepgram/listen_protocol.hpp"

namespace parley {

struct DeepgramSttOptions {
  std::string base_url{deepgram::kBaseUrl};  // what stands before /listen
  std::string api_key;                       // empty: no Authorization header
  deepgram::ListenOptions listen;
};

// Outlives its streams, as `client` does.
class DeepgramStt final : public Stt {
 public:
  static constexpr Duration kConnectLimit = 10s;
  static constexpr Duration kKeepAliveEvery = 4s;  // without audio; Deepgram closes after 10 s
  // Audio that waits for the connection, or for a slow network; beyond it the oldest is dropped.
  static constexpr Duration kMaxWaitingAudio = 12s;
  // Deepgram does not answer Finalize when it has nothing left to finish: how long a flush waits, and how long when words
  // were heard that are not finished.
  static constexpr Duration kFlushLimit = 400ms;
  static constexpr Duration kFlushLimitWithWords = 1500ms;
  static constexpr Duration kFarewellLimit = 3s;  // from CloseStream to the end

  DeepgramStt(net::WebSocketClient& client, DeepgramSttOptions options)
      : client_(client), options_(std::move(options)), label_("deepgram/" + options_.listen.model) {}

  std::string_view label() const noexcept override { return label_; }
  bool interim_results() const noexcept override { return true; }
  std::unique_ptr<SttStream> stream(Scope& parent, const SttOptions& options) override;

 private:
  net::WebSocketClient& client_;
  DeepgramSttOptions options_;
  std::string label_;
};

}  // namespace parley
