#include "providers/flite/flite_tts.hpp"

#include <atomic>
#include <deque>

#include <parley/async/blocking.hpp>
#include <parley/async/mailbox.hpp>
#include <parley/async/scope.hpp>

#include "providers/flite/speakable_text.hpp"

namespace parley {

namespace {

// What one call of the synthesiser may speak: it runs on a helper thread that is shared, and nothing waits for its end.
constexpr std::size_t kMaxPieceBytes = 200;
// More than Flite makes of such a piece: 60 s of speech in chunks of 25 ms.
constexpr std::size_t kMaxChunksOfPiece = 2400;
// Flite needs a hundredth of the time that it speaks.
constexpr Duration kPieceDeadline = 5s;

using Samples = std::vector<std::int16_t>;

// From the helper thread: samples, then how it ended.
struct Piece {
  Samples samples;
  std::optional<Result<void>> end;
};

// Raised when nobody wants the rest any more; the synthesiser looks at it between two chunks.
class StopFlag {
 public:
  StopFlag() : raised_(std::make_shared<std::atomic<bool>>(false)) {}
  ~StopFlag() { raised_->store(true, std::memory_order_relaxed); }
  StopFlag(const StopFlag&) = delete;
  StopFlag& operator=(const StopFlag&) = delete;
  std::shared_ptr<std::atomic<bool>> shared() const noexcept { return raised_; }

 private:
  std::shared_ptr<std::atomic<bool>> raised_;
};

void speak(const FliteVoice& voice, const std::string& text, FliteVoice::Lead lead, const Mailbox<Piece>::Sender& out,
           const std::atomic<bool>& stop) {
  auto sink = [&](std::span<const std::int16_t> samples) {
    return !stop.load(std::memory_order_relaxed) &&
           out.try_push({Samples(samples.begin(), samples.end()), std::nullopt});
  };
  const auto spoken = voice.synthesize(text, sink, lead);
  out.try_push({{}, spoken ? Result<void>{} : Result<void>(fail(spoken.error()))});
}

class FliteStream final : public TtsStream {
 public:
  FliteStream(Scope& parent, const FliteVoice& voice)
      : voice_(voice), segments_(kMaxSegments), audio_(kMaxChunks), scope_(parent, "tts/flite") {
    if (!scope_.spawn("speak", run())) audio_.close();
  }

  Result<void> push_text(std::string text) override {
    if (segments_.closed()) return fail(Errc::closing, "this utterance takes no more text");
    if (pending_ + text.size() > kMaxPendingText || segments_.full()) {
      return fail(Errc::overloaded, "too much text is waiting to be spoken");
    }
    pending_ += text.size();
    segments_.try_push(std::move(text));
    return {};
  }

  void end_input() override { segments_.close(); }
  Channel<std::expected<TtsChunk, ProviderError>>& audio() override { return audio_; }

  void request_stop(StopReason reason) noexcept override { scope_.request_stop(std::move(reason)); }
  Task<CloseReport> close(Deadline deadline) override { return scope_.close(deadline); }
  void kill() noexcept override { scope_.kill(); }

 private:
  static constexpr std::size_t kMaxSegments = 256;

  Task<void> run() {
    const Closes closes{audio_};
    for (;;) {
      auto segment = co_await segments_.pop(Deadline::bounded_by_scope());
      if (!segment) co_return;
      pending_ -= segment->size();
      if (!co_await speak_segment(std::move(*segment))) co_return;
    }
  }

  // False: it failed, and nothing more follows.
  Task<bool> speak_segment(std::string segment) {
    const std::string text = speakable_text(segment);
    for (const auto piece : speakable_pieces(text, kMaxPieceBytes)) {
      auto spoken = co_await speak_piece(std::string(piece));
      if (!spoken) {
        (void)co_await audio_.push(std::unexpected(ProviderError(spoken.error(), false)), Deadline::bounded_by_scope());
        co_return false;
      }
    }
    TtsChunk end;
    end.audio.sample_rate = FliteVoice::kSampleRate;
    end.text = std::move(segment);
    end.end_of_segment = true;
    (void)co_await audio_.push(std::move(end), Deadline::bounded_by_scope());
    co_return true;
  }

  Task<Result<void>> speak_piece(std::string text) {
    auto& loop = co_await this_loop();
    Mailbox<Piece> pieces(loop, kMaxChunksOfPiece);
    const StopFlag stop;
    const auto lead = std::exchange(first_, false) ? FliteVoice::Lead::trimmed : FliteVoice::Lead::natural;
    auto started = loop.blocking().submit([voice = voice_, text, lead, out = pieces.sender(), flag = stop.shared()] {
      speak(voice, text, lead, out, *flag);
    });
    if (!started) co_return fail(started.error().within("flite"));
    for (;;) {
      auto piece = co_await pieces.pop(loop.in(kPieceDeadline));
      if (!piece) co_return fail(piece.error().within("flite"));
      if (piece->end) co_return *piece->end;
      TtsChunk chunk;
      chunk.audio = {std::move(piece->samples), FliteVoice::kSampleRate};
      (void)co_await audio_.push(std::move(chunk), Deadline::bounded_by_scope());
    }
  }

  struct Closes {
    Channel<std::expected<TtsChunk, ProviderError>>& channel;
    ~Closes() { channel.close(); }
  };

  FliteVoice voice_;
  bool first_ = true;
  std::size_t pending_ = 0;  // bytes in segments_
  Channel<std::string> segments_;
  Channel<std::expected<TtsChunk, ProviderError>> audio_;
  Scope scope_;
};

}  // namespace

std::unique_ptr<TtsStream> FliteTts::stream(Scope& parent) { return std::make_unique<FliteStream>(parent, voice_); }

}  // namespace parley
