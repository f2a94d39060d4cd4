#include "providers/deepgram/deepgram_stt.hpp"

#include <algorithm>
#include <deque>

#include <fmt/format.h>

#include <parley/async/scope.hpp>

namespace parley {

namespace {

using deepgram::Heard;

constexpr std::size_t kMaxMessageBytes = 2 * samples_in(200ms, kSpeechRate);  // of audio in one message, when it is late
constexpr std::size_t kMaxWaitingBytes = 2 * samples_in(DeepgramStt::kMaxWaitingAudio, kSpeechRate);
constexpr std::size_t kMaxWaitingControls = 64;  // more flushes than that without an answer are one
constexpr Duration kSendLimit = 10s;

Duration audio_of(std::size_t bytes) { return duration_of(bytes / sizeof(std::int16_t), kSpeechRate); }

class DeepgramEar final : public SttStream {
  using Output = std::expected<SttEvent, ProviderError>;

 public:
  DeepgramEar(Scope& parent, net::WebSocketClient& client, const DeepgramSttOptions& options, std::string language)
      : loop_(parent.loop()),
        client_(client),
        options_(options),
        language_(std::move(language)),
        events_(kMaxEvents),
        scope_(parent, "stt/deepgram") {
    if (!scope_.spawn("listen", run())) events_.close();
  }
  ~DeepgramEar() override { DeepgramEar::kill(); }

  void push(const AudioFrame& frame) override;
  void flush() override {
    if (!ended_ && controls_ < kMaxWaitingControls) say(Say::finalize);
  }
  void end_input() override {
    if (!std::exchange(ended_, true)) say(Say::close);
  }
  Channel<Output>& events() override { return events_; }

  void request_stop(StopReason reason) noexcept override {
    ended_ = true;
    scope_.request_stop(std::move(reason));
  }
  Task<CloseReport> close(Deadline deadline) override { return scope_.close(deadline); }
  void kill() noexcept override {
    ended_ = true;
    scope_.kill();
    if (!scope_.inside()) socket_.reset();
  }

 private:
  enum class Say { audio, finalize, keep_alive, close };
  struct Outgoing {
    Say what;
    std::string audio{};
  };
  struct Closes {
    Channel<Output>& channel;
    ~Closes() { channel.close(); }
  };

  void say(Say what) {
    ++controls_;
    outgoing_.push_back({what});
    work_.set();
  }
  void drop_oldest();

  Task<void> run();
  Task<std::expected<void, ProviderError>> listen();
  Task<void> send();
  Task<bool> send_one(Outgoing item);
  Task<void> keep_alive();
  Task<void> answer_flushes();
  Task<std::expected<void, ProviderError>> take(Heard heard);
  Task<void> farewell();
  Task<void> deliver(SttEvent::Type type, Heard heard = {});
  std::expected<void, ProviderError> verdict(const Error& end) const;

  Loop& loop_;
  net::WebSocketClient& client_;
  const DeepgramSttOptions& options_;
  std::string language_;

  std::deque<Outgoing> outgoing_;
  std::size_t waiting_bytes_ = 0;    // of audio in it
  std::size_t controls_ = 0;         // of the rest
  std::uint64_t dropped_ = 0;        // messages of audio
  bool ended_ = false;               // no more input
  bool close_sent_ = false;
  TimePoint opened_at_{};
  TimePoint audio_sent_at_{};
  Duration sent_{};                  // of audio, in all
  Duration billed_{};                // of that, told
  bool speaking_ = false;
  bool words_unfinished_ = false;    // an interim transcript was not followed by its final one yet
  std::deque<TimePoint> flushes_;    // sent and not answered: until when the answer is waited for

  Event work_;
  Event flushed_;
  Channel<Output> events_;
  Scope scope_;
  std::unique_ptr<net::WebSocket> socket_;
};

// ---- audio out ----

void DeepgramEar::push(const AudioFrame& frame) {
  if (ended_ || frame.samples.empty()) return;
  const auto bytes = frame.samples.size() * sizeof(std::int16_t);
  const auto* data = reinterpret_cast<const char*>(frame.samples.data());
  if (outgoing_.empty() || outgoing_.back().what != Say::audio || outgoing_.back().audio.size() + bytes > kMaxMessageBytes) {
    outgoing_.push_back({Say::audio});
  }
  outgoing_.back().audio.append(data, bytes);
  waiting_bytes_ += bytes;
  if (waiting_bytes_ > kMaxWaitingBytes) drop_oldest();
  work_.set();
}

void DeepgramEar::drop_oldest() {
  const auto oldest = std::ranges::find(outgoing_, Say::audio, &Outgoing::what);
  waiting_bytes_ -= oldest->audio.size();
  outgoing_.erase(oldest);
  if (dropped_++ == 0) loop_.logger().warn("stt deepgram: audio is dropped, the connection cannot take it in time");
}

Task<void> DeepgramEar::send() {
  for (;;) {
    (void)co_await work_.wait(Deadline::bounded_by_scope());
    work_.reset();
    while (!outgoing_.empty()) {
      auto item = std::move(outgoing_.front());
      outgoing_.pop_front();
      if (item.what == Say::audio) {
        waiting_bytes_ -= item.audio.size();
      } else {
        --controls_;
      }
      if (!co_await send_one(std::move(item))) co_return;
    }
  }
}

// False: it was the last, or nothing can be sent any more, and then receive() says why.
Task<bool> DeepgramEar::send_one(Outgoing item) {
  net::WebSocketMessage message;
  switch (item.what) {
    case Say::audio:
      audio_sent_at_ = loop_.now();
      sent_ += audio_of(item.audio.size());
      message = {.binary = true, .data = std::move(item.audio)};
      break;
    case Say::finalize: message.data = deepgram::kFinalize; break;
    case Say::keep_alive: message.data = deepgram::kKeepAlive; break;
    case Say::close: message.data = deepgram::kCloseStream; break;
  }
  if (auto sent = co_await socket_->send(std::move(message), loop_.in(kSendLimit)); !sent) {
    if (sent.error().code() == Errc::timeout) socket_->kill();
    co_return false;
  }
  if (item.what == Say::finalize) {
    flushes_.push_back(loop_.now() + (words_unfinished_ ? DeepgramStt::kFlushLimitWithWords : DeepgramStt::kFlushLimit));
    flushed_.set();
  }
  if (item.what == Say::close) {
    close_sent_ = true;
    (void)scope_.spawn("farewell", farewell());
  }
  co_return item.what != Say::close;
}

Task<void> DeepgramEar::keep_alive() {
  say(Say::keep_alive);  // at once: the first audio may be long in coming
  for (;;) {
    co_await sleep_until(std::max(audio_sent_at_ + DeepgramStt::kKeepAliveEvery, loop_.now() + 500ms));
    if (loop_.now() - audio_sent_at_ < DeepgramStt::kKeepAliveEvery) continue;
    if (!ended_) say(Say::keep_alive);
    co_await sleep_for(DeepgramStt::kKeepAliveEvery - 500ms);
  }
}

// A server that has answered CloseStream has closed; one that has not is left.
Task<void> DeepgramEar::farewell() {
  co_await sleep_for(DeepgramStt::kFarewellLimit);
  socket_->kill();
}

// ---- words in ----

Task<void> DeepgramEar::run() {
  const Closes closes{events_};
  auto heard = co_await listen();
  if (!heard) {
    (void)co_await events_.push(std::unexpected(std::move(heard.error())), Deadline::bounded_by_scope());
  } else {
    // It is paid by the life of the socket.
    for (; !flushes_.empty(); flushes_.pop_front()) co_await deliver(SttEvent::Type::final_transcript);
    sent_ = std::max(sent_, loop_.now() - opened_at_);
    if (sent_ > billed_) co_await deliver(SttEvent::Type::final_transcript);
  }
  scope_.request_stop({StopCause::finished, {}});
}

Task<std::expected<void, ProviderError>> DeepgramEar::listen() {
  auto request = deepgram::socket_request(options_.base_url, deepgram::listen_target(options_.listen, language_), options_.api_key);
  auto connected = co_await client_.connect(scope_, std::move(request), loop_.in(DeepgramStt::kConnectLimit));
  if (!connected) co_return std::unexpected(deepgram::provider_error(connected.error()));
  socket_ = std::move(*connected);
  opened_at_ = audio_sent_at_ = loop_.now();
  (void)scope_.spawn("send", send());
  (void)scope_.spawn("keep alive", keep_alive());
  (void)scope_.spawn("flushes", answer_flushes());
  for (;;) {
    auto message = co_await socket_->receive(Deadline::bounded_by_scope());
    if (!message) co_return verdict(message.error());
    if (message->binary) continue;
    auto heard = deepgram::read_heard(message->data);
    if (!heard) co_return std::unexpected(ProviderError(heard.error().within("deepgram"), true));
    if (heard->type == Heard::Type::metadata && close_sent_) co_return std::expected<void, ProviderError>{};
    if (auto taken = co_await take(std::move(*heard)); !taken) co_return taken;
  }
}

// What the end of the connection means.
std::expected<void, ProviderError> DeepgramEar::verdict(const Error& end) const {
  if (close_sent_) return {};
  const auto& farewell = socket_->farewell();
  if (farewell) return std::unexpected(ProviderError({Errc::unavailable, "deepgram: " + end.message()}, deepgram::worth_another_try(farewell->code, farewell->reason)));
  return std::unexpected(ProviderError(end.within("deepgram"), true));
}

Task<std::expected<void, ProviderError>> DeepgramEar::take(Heard heard) {
  switch (heard.type) {
    case Heard::Type::error: co_return std::unexpected(ProviderError({Errc::unavailable, "deepgram: " + heard.text}, true));
    case Heard::Type::speech_started:
      if (!std::exchange(speaking_, true)) co_await deliver(SttEvent::Type::start_of_speech);
      break;
    case Heard::Type::utterance_end:
      if (std::exchange(speaking_, false)) co_await deliver(SttEvent::Type::end_of_speech);
      break;
    case Heard::Type::results: {
      if (!heard.text.empty() && !std::exchange(speaking_, true)) co_await deliver(SttEvent::Type::start_of_speech);
      const bool over = heard.speech_final;
      if (!heard.is_final) {
        words_unfinished_ = words_unfinished_ || !heard.text.empty();
        if (!heard.text.empty()) co_await deliver(SttEvent::Type::interim_transcript, std::move(heard));
      } else {
        words_unfinished_ = false;
        const bool answers = heard.from_finalize && !flushes_.empty();
        if (answers) flushes_.pop_front();
        if (answers || !heard.text.empty()) co_await deliver(SttEvent::Type::final_transcript, std::move(heard));
      }
      if (over && std::exchange(speaking_, false)) co_await deliver(SttEvent::Type::end_of_speech);
      break;
    }
    case Heard::Type::metadata:
    case Heard::Type::other: break;
  }
  co_return std::expected<void, ProviderError>{};
}

// Flushes that Deepgram leaves unanswered had nothing to finish.
Task<void> DeepgramEar::answer_flushes() {
  for (;;) {
    (void)co_await flushed_.wait(Deadline::bounded_by_scope());
    flushed_.reset();
    while (!flushes_.empty()) {
      co_await sleep_until(flushes_.front());
      while (!flushes_.empty() && flushes_.front() <= loop_.now()) {
        flushes_.pop_front();
        co_await deliver(SttEvent::Type::final_transcript);
      }
    }
  }
}

Task<void> DeepgramEar::deliver(SttEvent::Type type, Heard heard) {
  SttEvent event;
  event.type = type;
  event.text = std::move(heard.text);
  event.language = heard.language.empty() ? language_ : std::move(heard.language);
  event.confidence = heard.confidence;
  if (type == SttEvent::Type::final_transcript) event.audio = sent_ - std::exchange(billed_, sent_);
  (void)co_await events_.push(std::move(event), Deadline::bounded_by_scope());
}

}  // namespace

std::unique_ptr<SttStream> DeepgramStt::stream(Scope& parent, const SttOptions& options) {
  const auto& language = options_.listen.language.empty() ? options.language : options_.listen.language;
  return std::make_unique<DeepgramEar>(parent, client_, options_, language);
}

}  // namespace parley
