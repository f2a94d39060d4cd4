// Text-to-speech: the slot that providers/<name> fills.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <parley/async/channel.hpp>
#include <parley/audio/frame.hpp>
#include <parley/provider.hpp>

namespace parley {

struct TtsChunk {
  AudioFrame audio;             // at sample_rate() of its provider, of any length
  std::string text;             // what this audio says, where the provider tells; else empty
  bool end_of_segment = false;  // the last audio of one push_text()
};

// One utterance: sentences in, audio out, in order.
//
// Thread: the loop's only; nothing here blocks.
// Bound:  audio() holds kMaxChunks; synthesis waits while it is full.
// Ending: audio() is closed after the last chunk. An error is the last chunk.
class TtsStream : public ProviderStream {
 public:
  static constexpr std::size_t kMaxChunks = 64;

  // One segment, usually a sentence. Errc::overloaded: kMaxPendingText characters are waiting already.
  static constexpr std::size_t kMaxPendingText = 16'384;
  virtual Result<void> push_text(std::string text) = 0;
  // No more text.
  virtual void end_input() = 0;
  virtual Channel<std::expected<TtsChunk, ProviderError>>& audio() = 0;
};

// Thread: the loop's only.
class Tts {
 public:
  virtual ~Tts() = default;
  virtual std::string_view label() const noexcept = 0;  // "flite/slt"
  virtual int sample_rate() const noexcept = 0;         // Hz, the same for all of its streams
  // Its tasks run in a child of `parent`. Never waits: failures arrive in audio().
  virtual std::unique_ptr<TtsStream> stream(Scope& parent) = 0;
};

}  // namespace parley
