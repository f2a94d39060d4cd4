#include "session/utterance.hpp"

#include <fmt/format.h>

#include "session/stream_close.hpp"

namespace parley {

Utterance::Utterance(Scope& parent, Playout& playout, std::shared_ptr<Chain<Tts>> chain, const RetryOptions& retry, Listener& listener)
    : loop_(parent.loop()),
      playout_(playout),
      chain_(std::move(chain)),
      retry_(retry),
      listener_(listener),
      logger_(loop_.logger()),
      scope_(parent, "utterance") {
  auto id = playout_.begin([this](const MixerEvent& event) { on_playout(event); });
  if (!id || !scope_.spawn("synthesis", run())) {
    logger_.warn("an utterance is dropped: {}", id ? "the session is closing" : id.error().message());
    if (id) playout_.cut(*id, loop_.now());
    over_.set();
    return;
  }
  id_ = *id;
}

Utterance::~Utterance() { kill(); }

void Utterance::say(std::string sentence) {
  if (over() || finished_ || segments_.size() >= kMaxSegments) return;
  segments_.push_back(sentence);
  spoken_.add(std::move(sentence));
  text_.set();
  push_more();
}

void Utterance::finish() {
  if (over() || finished_) return;
  finished_ = true;
  text_.set();
  push_more();
}

void Utterance::cut() {
  if (over()) return;
  if (id_) playout_.cut(*id_, loop_.now());  // on_playout does the rest
}

std::string Utterance::heard() const {
  return spoken_.heard(over() ? played_ : id_ ? playout_.played(*id_).value_or(0) : 0);
}

void Utterance::on_playout(const MixerEvent& event) {
  switch (event.kind) {
    case MixerEvent::Kind::started:
      started_ = true;
      listener_.utterance_started(*this);
      break;
    case MixerEvent::Kind::position:
      push_more();
      listener_.utterance_heard(*this);
      break;
    case MixerEvent::Kind::writable: writable_.set(); break;
    case MixerEvent::Kind::finished:
    case MixerEvent::Kind::cut:
      played_ = event.played;
      over_.set();
      request_stop({event.kind == MixerEvent::Kind::cut ? StopCause::replaced : StopCause::finished, {}});
      listener_.utterance_over(*this);
      break;
  }
}

// Gives the stream what it may have by now.
void Utterance::push_more() {
  if (!stream_) return;
  const auto played = id_ ? playout_.played(*id_).value_or(written_) : written_;
  while (pushed_ < segments_.size()) {
    if (pushed_ - spoken_.segments_ended() >= kLookAheadSegments) return;
    if (duration_of(written_ - std::min(written_, played), kTransportRate) >= kLookAhead) return;
    if (!stream_->push_text(segments_[pushed_])) return;  // full: asked again as it plays
    characters_ += segments_[pushed_].size();
    ++pushed_;
  }
  if (!finished_ || input_ended_) return;
  input_ended_ = true;
  stream_->end_input();
}

Task<void> Utterance::run() {
  while (segments_.empty() && !finished_) {
    text_.reset();
    (void)co_await text_.wait(Deadline::bounded_by_scope());
  }
  RetryState retry(retry_, chain_->health);
  auto next = segments_.empty() ? std::nullopt : retry.first(loop_.now());
  while (next) {
    if (next->wait > Duration::zero()) co_await sleep_for(next->wait);
    auto& tts = *chain_->providers[next->provider];
    auto error = co_await synthesise(tts, retry);
    if (stream_) (void)co_await close_stream(*stream_, loop_.in(kCloseDeadline));
    if (scope_.stopping()) co_return;  // then close() may still wait for the stream
    stream_.reset();
    if (!error) {
      retry.result();
      break;
    }
    // What was heard of a sentence is not said twice.
    if (segment_sounds_) retry.output_delivered();
    logger_.warn("tts {} failed: {}", tts.label(), error->error.message());
    next = retry.failed(*error, loop_.now(), loop_.random());
    if (!next) listener_.utterance_failed(*this, std::string(tts.label()), *error);
  }
  if (id_) playout_.end(*id_);
}

// One stream, from the first sentence that has not been spoken to its end.
Task<std::optional<ProviderError>> Utterance::synthesise(Tts& tts, RetryState& retry) {
  if (scope_.stopping()) co_return std::nullopt;  // told before its first step: nothing is opened any more
  auto resampler = Resampler::create(tts.sample_rate(), kTransportRate);
  if (!resampler) co_return ProviderError(resampler.error(), false);
  resampler_.emplace(std::move(*resampler));
  source_samples_ = mapped_samples_ = segment_samples_ = 0;
  pushed_ = spoken_.segments_ended();
  input_ended_ = segment_sounds_ = false;
  stream_ = tts.stream(scope_);
  push_more();
  auto last_sign = loop_.now();
  while (!all_text_spoken()) {
    const bool owes = pushed_ > spoken_.segments_ended();
    if (!owes) last_sign = loop_.now();
    auto chunk = co_await stream_->audio().pop(Deadline(last_sign + retry_.timeout));
    if (!chunk && chunk.error().code() == Errc::timeout) {
      if (owes) co_return ProviderError(Error(Errc::timeout, fmt::format("no audio for {} s", to_seconds(retry_.timeout))), true);
      continue;
    }
    if (!chunk) {
      // Closed. One that never marks its segments has said them all.
      if (input_ended_ && pushed_ == segments_.size() && segment_sounds_) {
        while (spoken_.segments_ended() < spoken_.segments()) spoken_.end_segment();
        break;
      }
      co_return ProviderError(Error(Errc::unavailable, "the stream was closed before everything was spoken"), true);
    }
    if (!*chunk) co_return std::move(chunk->error());
    if (!(*chunk)->audio.samples.empty() || (*chunk)->end_of_segment) last_sign = loop_.now();
    co_await take(std::move(**chunk), retry);
    if (segment_samples_ > samples_in(kMaxSegmentAudio, kTransportRate)) {
      co_return ProviderError(Error(Errc::protocol, fmt::format("a sentence longer than {} s", to_seconds(kMaxSegmentAudio))), false);
    }
  }
  std::vector<std::int16_t> rest;
  resampler_->flush(rest);
  co_await write(rest);
  co_return std::nullopt;
}

Task<void> Utterance::take(TtsChunk chunk, RetryState& retry) {
  const auto& in = chunk.audio.samples;
  if (!in.empty()) {
    if (source_samples_ == 0) listener_.utterance_audio(*this);
    std::vector<std::int16_t> out;
    resampler_->process(in, out);
    source_samples_ += in.size();
    // A segment's samples are counted where they went in: what comes out of the resampler comes later.
    const auto mapped = source_samples_ * static_cast<std::uint64_t>(kTransportRate) / static_cast<std::uint64_t>(resampler_->from_rate());
    spoken_.audio(mapped - mapped_samples_, chunk.text);
    segment_samples_ += mapped - mapped_samples_;
    mapped_samples_ = mapped;
    segment_sounds_ = true;
    co_await write(out);
  }
  if (!chunk.end_of_segment) co_return;
  spoken_.end_segment();
  segment_sounds_ = false;
  segment_samples_ = 0;
  retry.result();
  push_more();
}

Task<void> Utterance::write(Samples samples) {
  while (id_ && !samples.empty()) {
    const auto taken = playout_.write(*id_, samples);
    written_ += taken;
    samples = samples.subspan(taken);
    if (samples.empty()) break;
    writable_.reset();
    (void)co_await writable_.wait(Deadline::bounded_by_scope());
  }
}

void Utterance::request_stop(StopReason reason) noexcept {
  if (stream_) stream_->request_stop(reason);
  scope_.request_stop(std::move(reason));
}

Task<CloseReport> Utterance::close(Deadline deadline) {
  if (!over()) cut();
  request_stop({StopCause::owner_closed, {}});
  co_return co_await close_stream_and_tasks(stream_.get(), scope_, deadline);
}

void Utterance::kill() noexcept {
  if (!over()) cut();
  if (stream_) stream_->kill();
  scope_.kill();
}

}  // namespace parley
