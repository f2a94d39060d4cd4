// Speech-to-text: the slot that providers/<name> fills.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <parley/async/channel.hpp>
#include <parley/audio/frame.hpp>
#include <parley/provider.hpp>

namespace parley {

struct SttEvent {
  enum class Type {
    start_of_speech,     // the provider's own detection; the session's VAD does not depend on it
    interim_transcript,  // may still change; replaces the previous interim one
    final_transcript,    // will not change
    end_of_speech,
  };
  Type type = Type::final_transcript;
  std::string text;         // UTF-8; of the transcripts
  std::string language;     // BCP 47: "en", "de-CH"
  double confidence = 1.0;  // 0 to 1; 1 where the provider does not tell
  Duration audio{};         // how much audio was billed since the last final one (final_transcript)
};

// One caller's ear: 16 kHz mono in, transcripts out.
//
// Thread: the loop's only; nothing here blocks.
// Bound:  events() holds kMaxEvents; the stream stops reading from its provider while it is full.
//         Audio that its provider cannot take in time is dropped, oldest first, and counted.
// Ending: events() is closed after the last event. An error is the last event.
class SttStream : public ProviderStream {
 public:
  static constexpr std::size_t kMaxEvents = 64;

  // All that the caller sends, speech and silence, in frames of any length.
  virtual void push(const AudioFrame& frame) = 0;
  // The session's VAD heard the caller begin: for providers that want the audio from a little before on.
  virtual void start_of_speech() {}
  // The session's VAD heard the caller stop: finalise what was said so far. Every flush is answered by a final
  // transcript, an empty one if nothing was said.
  virtual void flush() = 0;
  // No more audio. Never reconnects after this.
  virtual void end_input() = 0;
  virtual Channel<std::expected<SttEvent, ProviderError>>& events() = 0;
};

struct SttOptions {
  std::string language = "en";  // BCP 47
};

// Thread: the loop's only.
class Stt {
 public:
  virtual ~Stt() = default;
  virtual std::string_view label() const noexcept = 0;  // "moonshine", "deepgram/nova-3"
  virtual bool interim_results() const noexcept = 0;    // words come while the caller still speaks
  // Its tasks run in a child of `parent`. Never waits: failures arrive in events().
  virtual std::unique_ptr<SttStream> stream(Scope& parent, const SttOptions& options) = 0;
};

}  // namespace parley
