#include "providers/moonshine/moonshine_stt.hpp"

#include <algorithm>
#include <optional>

#include <parley/async/scope.hpp>

namespace parley {

namespace {

// Kept from before the VAD's word: it needs the first syllable to make up its mind.
constexpr std::size_t kPrerollSamples = samples_in(400ms, kSpeechRate);
constexpr std::size_t kMaxUtteranceSamples = samples_in(MoonshineStt::kMaxUtterance, kSpeechRate);
// An utterance that is not recognised yet when so many more have ended is dropped, and its flush answered empty. (Every
// request has a deadline, and a failed one ends the stream: the queue cannot grow for long.)
constexpr std::size_t kMaxWaiting = 4;

struct Utterance {
  std::vector<float> samples;
  bool flushed = false;  // false: cut for its length; speech goes on
};

class MoonshineStream final : public SttStream {
  using Output = std::expected<SttEvent, ProviderError>;

 public:
  MoonshineStream(Scope& parent, MoonshineStt::Recognize recognize, std::string language)
      : recognize_(std::move(recognize)),
        language_(std::move(language)),
        events_(kMaxEvents),
        scope_(parent, "stt/moonshine") {
    if (!scope_.spawn("recognize", run())) events_.close();
  }

  void push(const AudioFrame& frame) override {
    if (ended_) return;
    for (const auto sample : frame.samples) audio_.push_back(static_cast<float>(sample) / 32768.0F);
    if (!speaking_) {
      if (audio_.size() > 2 * kPrerollSamples) audio_.erase(audio_.begin(), audio_.end() - kPrerollSamples);
    } else if (audio_.size() >= kMaxUtteranceSamples) {
      finish_utterance(false);
    } else if (audio_.size() - interim_at_ >= samples_in(MoonshineStt::kInterimEvery, kSpeechRate)) {
      interim_at_ = audio_.size();
      interim_due_ = true;
      work_.set();
    }
  }

  void start_of_speech() override {
    if (audio_.size() > kPrerollSamples) audio_.erase(audio_.begin(), audio_.end() - kPrerollSamples);
    speaking_ = true;
    interim_at_ = audio_.size();
  }

  void flush() override {
    speaking_ = false;
    finish_utterance(true);
  }

  void end_input() override {
    if (std::exchange(ended_, true)) return;
    if (speaking_) finish_utterance(true);
    work_.set();
  }

  Channel<Output>& events() override { return events_; }

  void request_stop(StopReason reason) noexcept override { scope_.request_stop(std::move(reason)); }
  Task<CloseReport> close(Deadline deadline) override { return scope_.close(deadline); }
  void kill() noexcept override { scope_.kill(); }

 private:
  struct Closes {
    Channel<Output>& channel;
    ~Closes() { channel.close(); }
  };

  void finish_utterance(bool flushed) {
    interim_due_ = false;
    interim_at_ = 0;
    waiting_.push_back({std::exchange(audio_, {}), flushed});
    if (waiting_.size() > kMaxWaiting) {
      waiting_[waiting_.size() - 1 - kMaxWaiting].samples = {};  // answered, but empty: late words help nobody
    }
    work_.set();
  }

  Task<void> run() {
    const Closes closes{events_};
    for (;;) {
      (void)co_await work_.wait(Deadline::bounded_by_scope());
      work_.reset();
      while (!waiting_.empty() || interim_due_) {
        const bool went_well = waiting_.empty() ? co_await recognize_interim() : co_await recognize_final();
        if (!went_well) co_return;
      }
      if (ended_) co_return;
    }
  }

  Task<bool> recognize_interim() {
    interim_due_ = false;
    auto& loop = co_await this_loop();
    auto text = co_await recognize_(audio_, loop.in(MoonshineStt::kRecognizeDeadline));
    // Not worth an error, nor a word once the utterance has ended meanwhile: the final one follows.
    if (!text || text->empty() || !waiting_.empty() || !speaking_) co_return true;
    SttEvent event;
    event.type = SttEvent::Type::interim_transcript;
    event.text = joined(*text);
    event.language = language_;
    co_return co_await deliver(std::move(event));
  }

  Task<bool> recognize_final() {
    auto utterance = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    auto& loop = co_await this_loop();
    Result<std::string> text = std::string();
    const auto audio = duration_of(utterance.samples.size(), kSpeechRate);
    if (!utterance.samples.empty()) {
      text = co_await recognize_(std::move(utterance.samples), loop.in(MoonshineStt::kRecognizeDeadline));
    }
    if (!text) {
      (void)co_await events_.push(std::unexpected(ProviderError(text.error().within("moonshine"), true)),
                                  Deadline::bounded_by_scope());
      co_return false;
    }
    earlier_part_ = joined(*text);
    billed_ += audio;
    if (!utterance.flushed) co_return true;
    SttEvent event;
    event.type = SttEvent::Type::final_transcript;
    event.text = std::exchange(earlier_part_, {});
    event.language = language_;
    event.audio = std::exchange(billed_, {});
    co_return co_await deliver(std::move(event));
  }

  Task<bool> deliver(SttEvent event) {
    const auto pushed = co_await events_.push(std::move(event), Deadline::bounded_by_scope());
    co_return pushed.has_value();
  }

  // With what was recognised of the same speech before it had to be cut.
  std::string joined(const std::string& text) const {
    if (earlier_part_.empty()) return text;
    return text.empty() ? earlier_part_ : earlier_part_ + " " + text;
  }

  MoonshineStt::Recognize recognize_;
  std::string language_;
  std::vector<float> audio_;  // the utterance so far, or the pre-roll
  bool speaking_ = false;
  bool ended_ = false;
  bool interim_due_ = false;
  std::size_t interim_at_ = 0;  // samples of audio_ when the last interim transcript was asked for
  std::vector<Utterance> waiting_;
  std::string earlier_part_;
  Duration billed_{};
  Event work_;
  Channel<Output> events_;
  Scope scope_;
};

}  // namespace

std::unique_ptr<SttStream> MoonshineStt::stream(Scope& parent, const SttOptions& options) {
  return std::make_unique<MoonshineStream>(parent, recognize_, options.language);
}

}  // namespace parley
