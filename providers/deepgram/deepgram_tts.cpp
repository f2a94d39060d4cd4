#include "providers/deepgram/deepgram_tts.hpp"

#include <cstring>
#include <deque>

#include <fmt/format.h>

#include <parley/async/scope.hpp>

namespace parley {

namespace {

using deepgram::Said;
using deepgram::SpeakPool;
using deepgram::SpeakSocket;

constexpr std::size_t kMaxSegments = 256;

// A socket for the length of one utterance. What happens to it then depends on where the utterance was left.
class Lease {
 public:
  explicit Lease(SpeakPool& pool) : pool_(pool) {}
  ~Lease() { give_back(); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  void hold(std::unique_ptr<SpeakSocket> socket) { socket_ = std::move(socket); }
  SpeakSocket* operator->() const noexcept { return socket_.get(); }
  explicit operator bool() const noexcept { return socket_ != nullptr; }

  // Owed: something was asked of it, and its last answer has not come.
  void owes(bool yes) noexcept { owes_ = yes; }
  void give_back() {
    if (!socket_) return;
    if (owes_) {
      pool_.clear(std::move(socket_));
    } else {
      pool_.give(std::move(socket_));
    }
  }
  void drop() noexcept { socket_.reset(); }

 private:
  SpeakPool& pool_;
  std::unique_ptr<SpeakSocket> socket_;
  bool owes_ = false;
};

class DeepgramVoice final : public TtsStream {
  using Output = std::expected<TtsChunk, ProviderError>;
  using Done = std::expected<void, ProviderError>;

 public:
  DeepgramVoice(Scope& parent, SpeakPool& pool, int sample_rate)
      : loop_(parent.loop()),
        pool_(pool),
        sample_rate_(sample_rate),
        segments_(kMaxSegments),
        audio_(kMaxChunks),
        lease_(pool),
        scope_(parent, "tts/deepgram") {
    if (!scope_.spawn("speak", run())) audio_.close();
  }
  ~DeepgramVoice() override { DeepgramVoice::kill(); }

  Result<void> push_text(std::string text) override {
    if (segments_.closed()) return fail(Errc::closing, "this utterance takes no more text");
    if (pending_bytes_ + text.size() > kMaxPendingText || segments_.full()) {
      return fail(Errc::overloaded, "too much text is waiting to be spoken");
    }
    pending_bytes_ += text.size();
    segments_.try_push(std::move(text));
    return {};
  }
  void end_input() override { segments_.close(); }
  Channel<Output>& audio() override { return audio_; }

  void request_stop(StopReason reason) noexcept override {
    segments_.close();
    scope_.request_stop(std::move(reason));
  }
  Task<CloseReport> close(Deadline deadline) override { return scope_.close(deadline); }
  void kill() noexcept override {
    killed_ = true;
    segments_.close();
    scope_.kill();
    if (!scope_.inside()) lease_.drop();
  }

 private:
  struct Closes {
    DeepgramVoice& voice;
    ~Closes() {
      voice.audio_.close();
      if (!voice.killed_) voice.lease_.give_back();
    }
  };

  Task<void> run();
  Task<Done> speak_all();
  Task<Done> begin(std::string segment);
  Task<Done> ask(std::string segment);
  Task<Done> hear();
  Task<void> deliver(std::string_view pcm);
  Task<void> end_segment();
  std::expected<void, ProviderError> gone(const Error& end) const;

  Loop& loop_;
  SpeakPool& pool_;
  int sample_rate_;
  std::size_t pending_bytes_ = 0;  // of text in segments_
  Channel<std::string> segments_;
  Channel<Output> audio_;
  std::deque<std::string> asked_;  // flushed, and not spoken to their end
  bool heard_anything_ = false;    // of the present socket
  std::string half_sample_;
  bool killed_ = false;
  Lease lease_;
  Scope scope_;
};

Task<void> DeepgramVoice::run() {
  const Closes closes{*this};
  auto spoken = co_await speak_all();
  if (spoken) co_return;
  lease_.drop();
  (void)co_await audio_.push(std::unexpected(std::move(spoken.error())), Deadline::bounded_by_scope());
}

Task<DeepgramVoice::Done> DeepgramVoice::speak_all() {
  for (;;) {
    Done done;
    if (asked_.empty()) {
      auto segment = co_await segments_.pop(Deadline::bounded_by_scope());
      if (!segment) co_return Done();
      done = co_await begin(std::move(*segment));
    } else if (auto more = lease_->can_flush(loop_.now()) ? segments_.try_pop() : std::nullopt) {
      done = co_await ask(std::move(*more));
    } else {
      done = co_await hear();
    }
    if (!done) co_return done;
  }
}

// The first segment, or the first after a pause.
Task<DeepgramVoice::Done> DeepgramVoice::begin(std::string segment) {
  if (!lease_ || !lease_->can_flush(loop_.now())) {
    lease_.give_back();
    auto taken = co_await pool_.take();
    if (!taken) co_return std::unexpected(std::move(taken.error()));
    lease_.hold(std::move(*taken));
    heard_anything_ = false;
  }
  co_return co_await ask(std::move(segment));
}

Task<DeepgramVoice::Done> DeepgramVoice::ask(std::string segment) {
  pending_bytes_ -= segment.size();
  auto messages = deepgram::speak_messages(segment);
  const bool silent = messages.empty();
  asked_.push_back(std::move(segment));
  if (silent && asked_.size() == 1) {
    co_await end_segment();
    co_return Done();
  }
  // One without words between others still needs its own answer, so that the order is kept.
  messages.emplace_back(deepgram::kFlush);
  lease_.owes(true);
  lease_->flushes.push_back(loop_.now());
  for (auto& message : messages) {
    const auto sent = co_await lease_->socket->send({.binary = false, .data = std::move(message)}, loop_.in(DeepgramTts::kStallLimit));
    if (!sent && sent.error().code() == Errc::timeout) co_return gone(sent.error());
    if (!sent) break;  // receive() says why
  }
  co_return Done();
}

Task<DeepgramVoice::Done> DeepgramVoice::hear() {
  auto message = co_await lease_->socket->receive(loop_.in(DeepgramTts::kStallLimit));
  if (!message) {
    // A warm one may have died unseen; nothing was said on it yet.
    if (!lease_->reused || heard_anything_ || message.error().code() == Errc::timeout) co_return gone(message.error());
    lease_.drop();
    auto opened = co_await pool_.open();
    if (!opened) co_return std::unexpected(std::move(opened.error()));
    lease_.hold(std::move(*opened));
    for (auto again = std::exchange(asked_, {}); !again.empty(); again.pop_front()) {
      pending_bytes_ += again.front().size();
      if (auto asked = co_await ask(std::move(again.front())); !asked) co_return asked;
    }
    co_return Done();
  }
  heard_anything_ = true;
  if (message->binary) {
    co_await deliver(message->data);
    co_return Done();
  }
  const auto said = deepgram::read_said(message->data);
  if (!said) co_return std::unexpected(ProviderError(said.error().within("deepgram"), true));
  switch (said->type) {
    case Said::Type::flushed: co_await end_segment(); break;
    case Said::Type::warning: loop_.logger().warn("tts deepgram: {} {}", said->code, said->text); break;
    case Said::Type::error:
      co_return std::unexpected(ProviderError({Errc::unavailable, "deepgram: " + said->code + " " + said->text}, !said->code.starts_with("DATA")));
    case Said::Type::cleared:
    case Said::Type::other: break;
  }
  co_return Done();
}

Task<void> DeepgramVoice::deliver(std::string_view pcm) {
  half_sample_.append(pcm);
  const auto count = half_sample_.size() / sizeof(std::int16_t);
  if (count == 0) co_return;
  TtsChunk chunk;
  chunk.audio.sample_rate = sample_rate_;
  chunk.audio.samples.resize(count);
  std::memcpy(chunk.audio.samples.data(), half_sample_.data(), count * sizeof(std::int16_t));
  half_sample_.erase(0, count * sizeof(std::int16_t));
  (void)co_await audio_.push(std::move(chunk), Deadline::bounded_by_scope());
}

Task<void> DeepgramVoice::end_segment() {
  if (asked_.empty()) co_return;
  TtsChunk end;
  end.audio.sample_rate = sample_rate_;
  end.text = std::move(asked_.front());
  end.end_of_segment = true;
  asked_.pop_front();
  half_sample_.clear();
  if (asked_.empty()) lease_.owes(false);
  (void)co_await audio_.push(std::move(end), Deadline::bounded_by_scope());
}

std::expected<void, ProviderError> DeepgramVoice::gone(const Error& end) const {
  if (end.code() == Errc::timeout) {
    return std::unexpected(ProviderError({Errc::timeout, fmt::format("deepgram: no audio for {} s", to_seconds(DeepgramTts::kStallLimit))}, true));
  }
  return std::unexpected(ProviderError({Errc::unavailable, "deepgram: " + end.message()}, true));
}

}  // namespace

std::unique_ptr<TtsStream> DeepgramTts::stream(Scope& parent) { return std::make_unique<DeepgramVoice>(parent, pool_, sample_rate_); }

}  // namespace parley
