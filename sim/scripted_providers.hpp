// Providers of the simulated world: they do what they are told, in virtual time, and fail as they are told.
//
// Thread: the loop's only.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include <parley/providers.hpp>

#include "sim/scripted_caller.hpp"

namespace parley::sim {

// What is wrong with one stream.
enum class Fault {
  none,
  refuses,       // at once, and for good
  unavailable,   // at once; another try may help
  hangs,         // never says anything
  stalls,        // in the middle of its answer
  closes,        // without a word
  breaks_off,    // an error in the middle of its answer
  garbage,       // answers nonsense
  throws,        // an exception out of the call itself
};
std::string_view to_string(Fault fault) noexcept;

// Streams opened and gone: whatever happens to a call, the two are equal in the end.
struct StreamLedger {
  int opened = 0;
  int closed = 0;
  int told_to_stop = 0;  // of those that are open
  int open() const noexcept { return opened - closed; }
  int paid() const noexcept { return open() - told_to_stop; }
};

// What the three kinds of streams have in common.
struct ProviderScript {
  std::deque<Fault> faults{};    // of the next streams, in order
  Fault always = Fault::none;    // of those after them
  bool stubborn = false;         // its streams close only when they are killed
  bool never_closes = false;     // and their close() never returns, whatever its deadline
  StreamLedger ledger{};

  Fault next_fault();
};

class ScriptedVad final : public Vad {
 public:
  std::string_view label() const noexcept override { return "scripted-vad"; }
  std::unique_ptr<VadStream> stream(const VadOptions& options) override;
};

class ScriptedStt final : public Stt, public ProviderScript {
 public:
  explicit ScriptedStt(SpeechCodes& codes) : codes_(codes) {}

  bool interim = true;
  Duration delay = 150ms;  // of the final transcript, after a flush
  std::string name = "scripted-stt";

  std::string_view label() const noexcept override { return name; }
  bool interim_results() const noexcept override { return interim; }
  std::unique_ptr<SttStream> stream(Scope& parent, const SttOptions& options) override;

 private:
  SpeechCodes& codes_;
};

struct LlmAnswer {
  std::string text{};
  std::vector<FunctionCall> calls{};
};

class ScriptedLlm final : public Llm, public ProviderScript {
 public:
  std::function<LlmAnswer(const ChatRequest&)> answer = [](const ChatRequest&) { return LlmAnswer{"I see. Anything else?"}; };
  Duration first_token = 200ms;
  Duration token = 10ms;
  std::string name = "scripted-llm";
  std::vector<ChatRequest> requests;

  std::string_view label() const noexcept override { return name; }
  std::unique_ptr<LlmStream> chat(Scope& parent, ChatRequest request) override;
};

class ScriptedTts final : public Tts, public ProviderScript {
 public:
  static constexpr Duration kPerCharacter = 60ms;  // of sound

  explicit ScriptedTts(SpeechCodes& codes) : codes(codes) {}

  Duration first_audio = 100ms;
  std::string name = "scripted-tts";
  std::vector<std::string> synthesised;
  SpeechCodes& codes;

  std::string_view label() const noexcept override { return name; }
  int sample_rate() const noexcept override { return kTransportRate; }
  std::unique_ptr<TtsStream> stream(Scope& parent) override;
};

}  // namespace parley::sim
