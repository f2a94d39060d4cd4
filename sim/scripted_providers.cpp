#include "sim/scripted_providers.hpp"

#include <stdexcept>
#include <algorithm>
#include <sstream>

#include <parley/async/scope.hpp>

namespace parley::sim {

std::string_view to_string(Fault fault) noexcept {
  switch (fault) {
    case Fault::none: return "works";
    case Fault::refuses: return "refuses";
    case Fault::unavailable: return "unavailable";
    case Fault::hangs: return "hangs";
    case Fault::stalls: return "stalls";
    case Fault::closes: return "closes";
    case Fault::breaks_off: return "breaks_off";
    case Fault::garbage: return "garbage";
    case Fault::throws: return "throws";
  }
  return "works";
}

Fault ProviderScript::next_fault() {
  if (faults.empty()) return always;
  const auto fault = faults.front();
  faults.pop_front();
  return fault;
}

namespace {

ProviderError error_of(Fault fault) {
  if (fault == Fault::refuses) return {Error(Errc::refused, "HTTP 401: no such key"), false};
  if (fault == Fault::garbage) return {Error(Errc::protocol, "an answer that is no answer"), true};
  return {Error(Errc::unavailable, "the connection was reset"), true};
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// The three verbs and the ledger. A subclass kills in its own destructor, before its members go.
template <class Interface>
class Stream : public Interface {
 public:
  Stream(Scope& parent, ProviderScript& script, std::string name) : script_(script), fault_(script.next_fault()), scope_(parent, std::move(name)) {
    ++script_.ledger.opened;
  }
  ~Stream() override {
    scope_.kill();
    if (stopped_) --script_.ledger.told_to_stop;
    ++script_.ledger.closed;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void request_stop(StopReason reason) noexcept override {
    if (!std::exchange(stopped_, true)) ++script_.ledger.told_to_stop;
    if (!script_.stubborn) scope_.request_stop(std::move(reason));
  }
  Task<CloseReport> close(Deadline deadline) override {
    request_stop({});
    if (script_.never_closes) co_await sleep_for(Duration::max());
    if (script_.stubborn) co_await sleep_until(deadline.at());
    co_return co_await scope_.close(deadline);
  }
  void kill() noexcept override {
    request_stop({});
    scope_.kill();
  }

 protected:
  ProviderScript& script_;
  Fault fault_;
  bool stopped_ = false;
  Scope scope_;
};

class VadScript final : public VadStream {
 public:
  explicit VadScript(const VadOptions& options) : options_(options) {}

  std::vector<VadEvent> push(const AudioFrame& frame) override {
    const bool voice = std::ranges::any_of(frame.samples, [](auto s) { return s != 0; });
    const auto length = frame.duration();
    std::vector<VadEvent> events;
    if (voice) {
      silence_ = {};
      speech_ += length;
      if (!speaking_ && speech_ >= options_.min_speech) {
        speaking_ = true;
        events.push_back({.type = VadEvent::Type::start_of_speech, .speaking = true, .speech = speech_});
      }
    } else {
      silence_ += length;
      if (!speaking_) speech_ = {};
      if (speaking_ && silence_ >= options_.min_silence) {
        speaking_ = false;
        events.push_back({.type = VadEvent::Type::end_of_speech, .speech = speech_, .silence = silence_});
        speech_ = {};
      }
    }
    return events;
  }
  void reset() override {
    speaking_ = false;
    speech_ = silence_ = {};
  }

 private:
  VadOptions options_;
  bool speaking_ = false;
  Duration speech_{};
  Duration silence_{};
};

class SttScript final : public Stream<SttStream> {
 public:
  SttScript(Scope& parent, ScriptedStt& stt, SpeechCodes& codes) : Stream(parent, stt, "scripted-stt"), stt_(stt), codes_(codes) {
    (void)scope_.spawn("recognise", run());
  }
  ~SttScript() override { kill(); }

  void push(const AudioFrame& frame) override {
    if (fault_ == Fault::throws) throw std::runtime_error("told to throw");
    if (stopped_ || ended_ || fault_ == Fault::hangs) return;
    const Code code = frame.samples.empty() ? Code{0} : frame.samples[0];
    if (code == 0) return;
    if (heard_.empty() || heard_.back() != code) {
      heard_.push_back(code);
      frames_ = 0;
    }
    // A word every 200 ms, while it is spoken.
    if (++frames_ % 10 == 0 && stt_.interim && (fault_ == Fault::none || fault_ == Fault::stalls || fault_ == Fault::breaks_off)) {
      const auto text = text_so_far(frames_ / 10);
      if (!text.empty()) (void)events_.try_push(SttEvent{.type = SttEvent::Type::interim_transcript, .text = text});
    }
  }
  void flush() override {
    ++flushes_;
    work_.set();
  }
  void end_input() override {
    ended_ = true;
    work_.set();
  }
  Channel<std::expected<SttEvent, ProviderError>>& events() override { return events_; }

 private:
  std::string text_so_far(std::size_t words_of_last) const {
    std::string text;
    for (std::size_t i = 0; i < heard_.size(); ++i) {
      const auto words = words_of(codes_.text(heard_[i]));
      const auto count = i + 1 == heard_.size() ? std::min(words_of_last, words.size()) : words.size();
      for (std::size_t w = 0; w < count; ++w) text += (text.empty() ? "" : " ") + words[w];
    }
    return text;
  }

  Task<void> run() {
    struct Closes {
      Channel<std::expected<SttEvent, ProviderError>>& channel;
      ~Closes() { channel.close(); }
    } closes{events_};
    if (fault_ == Fault::closes) co_return;
    if (fault_ == Fault::refuses || fault_ == Fault::unavailable || fault_ == Fault::garbage) {
      co_await sleep_for(20ms);
      (void)events_.try_push(std::unexpected(error_of(fault_)));
      co_return;
    }
    for (;;) {
      while (flushes_ == 0 && !ended_) {
        work_.reset();
        (void)co_await work_.wait(Deadline::bounded_by_scope());
      }
      if (fault_ == Fault::hangs || fault_ == Fault::stalls) {
        co_await sleep_for(1h);
      }
      if (flushes_ == 0) co_return;
      --flushes_;
      co_await sleep_for(stt_.delay);
      if (fault_ == Fault::breaks_off) {
        (void)events_.try_push(std::unexpected(error_of(fault_)));
        co_return;
      }
      auto text = text_so_far(1000);
      heard_.clear();
      frames_ = 0;
      (void)events_.try_push(SttEvent{.type = SttEvent::Type::final_transcript, .text = std::move(text), .language = "en", .audio = 1s});
    }
  }

  ScriptedStt& stt_;
  SpeechCodes& codes_;
  std::vector<Code> heard_;
  std::size_t frames_ = 0;
  int flushes_ = 0;
  bool ended_ = false;
  Event work_;
  Channel<std::expected<SttEvent, ProviderError>> events_{kMaxEvents};
};

class LlmScript final : public Stream<LlmStream> {
 public:
  LlmScript(Scope& parent, ScriptedLlm& llm, ChatRequest request) : Stream(parent, llm, "scripted-llm"), llm_(llm), request_(std::move(request)) {
    (void)scope_.spawn("answer", run());
  }
  ~LlmScript() override { kill(); }
  Channel<std::expected<LlmChunk, ProviderError>>& chunks() override { return chunks_; }

 private:
  Task<void> run() {
    struct Closes {
      Channel<std::expected<LlmChunk, ProviderError>>& channel;
      ~Closes() { channel.close(); }
    } closes{chunks_};
    if (fault_ == Fault::hangs) co_await sleep_for(1h);
    co_await sleep_for(llm_.first_token);
    if (fault_ == Fault::closes) co_return;
    if (fault_ == Fault::refuses || fault_ == Fault::unavailable) {
      (void)chunks_.try_push(std::unexpected(error_of(fault_)));
      co_return;
    }
    auto answer = llm_.answer(request_);
    if (fault_ == Fault::garbage) answer = {.text = {}, .calls = {{.id = "g", .name = "no_such_tool", .arguments = "{{{"}}};
    const auto words = words_of(answer.text);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i == (words.size() + 1) / 2) {
        if (fault_ == Fault::stalls) co_await sleep_for(1h);
        if (fault_ == Fault::breaks_off) {
          (void)chunks_.try_push(std::unexpected(error_of(fault_)));
          co_return;
        }
      }
      (void)co_await chunks_.push(LlmChunk((i == 0 ? "" : " ") + words[i]), Deadline::bounded_by_scope());
      co_await sleep_for(llm_.token);
    }
    for (auto& call : answer.calls) (void)co_await chunks_.push(LlmChunk(std::move(call)), Deadline::bounded_by_scope());
    (void)co_await chunks_.push(LlmChunk(LlmUsage{.prompt_tokens = 100, .completion_tokens = static_cast<std::int64_t>(words.size())}),
                                Deadline::bounded_by_scope());
  }

  ScriptedLlm& llm_;
  ChatRequest request_;
  Channel<std::expected<LlmChunk, ProviderError>> chunks_{kMaxChunks};
};

class TtsScript final : public Stream<TtsStream> {
 public:
  TtsScript(Scope& parent, ScriptedTts& tts) : Stream(parent, tts, "scripted-tts"), tts_(tts) { (void)scope_.spawn("speak", run()); }
  ~TtsScript() override { kill(); }

  Result<void> push_text(std::string text) override {
    segments_.push_back(std::move(text));
    work_.set();
    return {};
  }
  void end_input() override {
    ended_ = true;
    work_.set();
  }
  Channel<std::expected<TtsChunk, ProviderError>>& audio() override { return audio_; }

 private:
  static constexpr Duration kChunk = 100ms;

  Task<void> run() {
    struct Closes {
      Channel<std::expected<TtsChunk, ProviderError>>& channel;
      ~Closes() { channel.close(); }
    } closes{audio_};
    if (fault_ == Fault::closes) co_return;
    if (fault_ == Fault::refuses || fault_ == Fault::unavailable) {
      co_await sleep_for(20ms);
      (void)audio_.try_push(std::unexpected(error_of(fault_)));
      co_return;
    }
    for (;;) {
      while (segments_.empty() && !ended_) {
        work_.reset();
        (void)co_await work_.wait(Deadline::bounded_by_scope());
      }
      if (segments_.empty()) co_return;
      if (fault_ == Fault::hangs) co_await sleep_for(1h);
      const auto text = std::move(segments_.front());
      segments_.pop_front();
      co_await sleep_for(tts_.first_audio);
      if (!co_await speak(text)) co_return;
    }
  }

  Task<bool> speak(std::string text) {
    tts_.synthesised.push_back(text);
    const auto code = tts_.codes.agent_says(text);
    const auto length = std::max<Duration>(200ms, ScriptedTts::kPerCharacter * text.size());
    for (Duration done{}; done < length; done += kChunk) {
      if (done >= length / 2) {
        if (fault_ == Fault::stalls) co_await sleep_for(1h);
        if (fault_ == Fault::breaks_off) {
          (void)audio_.try_push(std::unexpected(error_of(fault_)));
          co_return false;
        }
      }
      const auto part = std::min(kChunk, length - done);
      TtsChunk chunk{.audio = {.samples = std::vector<std::int16_t>(samples_in(part, kTransportRate), code)}};
      chunk.end_of_segment = done + kChunk >= length;
      if (fault_ == Fault::garbage) chunk = {};  // for ever, and never the end of a segment
      (void)co_await audio_.push(std::move(chunk), Deadline::bounded_by_scope());
      co_await sleep_for(10ms);
      if (fault_ == Fault::garbage) done -= kChunk;
    }
    co_return true;
  }

  ScriptedTts& tts_;
  std::deque<std::string> segments_;
  bool ended_ = false;
  Event work_;
  Channel<std::expected<TtsChunk, ProviderError>> audio_{kMaxChunks};
};

}  // namespace

std::unique_ptr<VadStream> ScriptedVad::stream(const VadOptions& options) { return std::make_unique<VadScript>(options); }
std::unique_ptr<SttStream> ScriptedStt::stream(Scope& parent, const SttOptions&) { return std::make_unique<SttScript>(parent, *this, codes_); }
std::unique_ptr<LlmStream> ScriptedLlm::chat(Scope& parent, ChatRequest request) {
  requests.push_back(request);
  if (always == Fault::throws) throw std::runtime_error("told to throw");
  return std::make_unique<LlmScript>(parent, *this, std::move(request));
}
std::unique_ptr<TtsStream> ScriptedTts::stream(Scope& parent) { return std::make_unique<TtsScript>(parent, *this); }

}  // namespace parley::sim
