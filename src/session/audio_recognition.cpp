#include "session/audio_recognition.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "session/stream_close.hpp"

namespace parley {
namespace {

constexpr std::size_t kSilenceFrames = 100;  // 2 s: the VAD's silence, and then some

}  // namespace

AudioRecognition::AudioRecognition(Scope& parent, const VadOptions& vad, const SttOptions& stt, const RetryOptions& retry, Listener& listener)
    : loop_(parent.loop()), vad_options_(vad), stt_options_(stt), retry_(retry), listener_(listener), scope_(parent, "recognition") {}

AudioRecognition::~AudioRecognition() { kill(); }

Result<void> AudioRecognition::use(const Chains& chains) {
  if (vad_provider_ != chains.vad) {
    vad_provider_ = chains.vad;
    vad_ = chains.vad->stream(vad_options_);
  }
  if (chain_ == chains.stt) return {};
  const bool first = chain_ == nullptr;
  chain_ = chains.stt;
  ++generation_;
  if (first) return scope_.spawn("stt", run());
  if (stream_) {
    stream_->request_stop({StopCause::replaced, "another agent listens"});
    stream_->events().close();  // at once, whatever the provider does
  }
  return {};
}

bool AudioRecognition::interim_results() const noexcept { return chain_ && chain_->providers.front()->interim_results(); }

// ---- audio in ----

void AudioRecognition::push(const std::optional<AudioFrame>& frame) {
  if (input_ended_ || discarding_ || !vad_) return;
  if (!frame) {
    // Muted or discontinuous: the VAD must hear silence to find the end of speech.
    if (silence_left_ == 0) return;
    --silence_left_;
    hear({std::vector<std::int16_t>(kSpeechFrameSamples), kSpeechRate});
    return;
  }
  silence_left_ = kSilenceFrames;
  if (frame->sample_rate == kSpeechRate) {
    hear(*frame);
    return;
  }
  if (!resampler_ || resampler_->from_rate() != frame->sample_rate) {
    auto made = Resampler::create(frame->sample_rate, kSpeechRate);
    if (!made) {
      ++dropped_;
      return;
    }
    resampler_.emplace(std::move(*made));
  }
  AudioFrame heard{.sample_rate = kSpeechRate};
  resampler_->process(frame->samples, heard.samples);
  if (!heard.samples.empty()) hear(heard);
}

void AudioRecognition::hear(const AudioFrame& frame) {
  std::optional<VadEvent> started, ended;
  for (const auto& event : vad_->push(frame)) {
    if (event.type == VadEvent::Type::start_of_speech) started = event;
    if (event.type == VadEvent::Type::end_of_speech) ended = event;
  }
  if (started) {
    speaking_ = true;
    if (stream_) stream_->start_of_speech();
  }
  if (stream_) {
    stream_->push(frame);
  } else {
    ++dropped_;
  }
  if (ended) {
    speaking_ = false;
    if (stream_) {
      stream_->flush();
      if (!final_owed_since_) final_owed_since_ = loop_.now();
    }
  }
  // Last: they may end everything.
  if (started) listener_.user_started(started->speech);
  if (ended) listener_.user_ended(ended->silence);
}

void AudioRecognition::set_discarding(bool on) {
  if (std::exchange(discarding_, on) == on || !on) return;
  reset();
}

void AudioRecognition::reset() {
  if (vad_) vad_->reset();
  if (resampler_) resampler_->reset();
  if (std::exchange(speaking_, false) && stream_ && !input_ended_) stream_->flush();
}

void AudioRecognition::end_input() {
  if (std::exchange(input_ended_, true)) return;
  if (!stream_) return;
  if (speaking_) {
    stream_->flush();
    if (!final_owed_since_) final_owed_since_ = loop_.now();
  }
  stream_->end_input();
}

// ---- words out ----

Task<void> AudioRecognition::run() {
  while (!input_ended_) {
    const auto generation = generation_;
    const auto chain = chain_;
    const auto replaced = [this, generation] { return generation != generation_; };
    RetryState retry(retry_, chain->health);
    std::optional<ProviderError> error;
    std::string label;
    for (auto next = retry.first(loop_.now()); next && !input_ended_ && !replaced();) {
      if (next->wait > Duration::zero()) co_await sleep_for(next->wait);
      auto& stt = *chain->providers[next->provider];
      label = stt.label();
      error = co_await listen(stt, retry);
      if (stream_) (void)co_await close_stream(*stream_, loop_.in(kCloseDeadline));
      if (scope_.stopping()) co_return;  // then close() may still wait for the stream
      stream_.reset();
      final_owed_since_.reset();
      if (!error || replaced()) break;
      if (input_ended_) retry.input_ended();
      loop_.logger().warn("stt {} failed: {}", label, error->error.message());
      next = retry.failed(*error, loop_.now(), loop_.random());
    }
    if (input_ended_) co_return;
    if (replaced()) continue;
    if (error) listener_.recognition_failed(label, *error);
    co_await sleep_for(retry_.interval);
  }
}

// None: the input ended, or other providers took over, and the stream has said its last.
Task<std::optional<ProviderError>> AudioRecognition::listen(Stt& stt, RetryState& retry) {
  if (scope_.stopping()) co_return std::nullopt;  // told before its first step: nothing is opened any more
  const auto generation = generation_;
  stream_ = stt.stream(scope_, stt_options_);
  if (input_ended_) stream_->end_input();
  if (speaking_) stream_->start_of_speech();
  for (;;) {
    const bool last_words = input_ended_ || generation != generation_;
    const auto waits_since = final_owed_since_.value_or(loop_.now());
    auto event = co_await stream_->events().pop(Deadline(waits_since + retry_.timeout));
    if (!event && event.error().code() == Errc::timeout) {
      const bool stalled = final_owed_since_ && loop_.now() - *final_owed_since_ >= retry_.timeout;
      if (stalled) co_return ProviderError(Error(Errc::timeout, fmt::format("no transcript for {} s", to_seconds(retry_.timeout))), true);
      if (last_words) co_return std::nullopt;
      continue;
    }
    if (!event) {
      if (last_words || input_ended_ || generation != generation_) co_return std::nullopt;
      co_return ProviderError(Error(Errc::unavailable, "the stream was closed while the caller is still there"), true);
    }
    if (!*event) co_return std::move(event->error());
    const auto& told = **event;
    if (told.type == SttEvent::Type::final_transcript) {
      final_owed_since_.reset();
      audio_ += told.audio;
      if (!told.text.empty()) retry.result();
    }
    if (generation == generation_) listener_.user_transcript(told);
  }
}

// ---- endings ----

void AudioRecognition::request_stop(StopReason reason) noexcept {
  input_ended_ = true;
  if (stream_) stream_->request_stop(reason);
  scope_.request_stop(std::move(reason));
}

Task<CloseReport> AudioRecognition::close(Deadline deadline) {
  request_stop({StopCause::owner_closed, {}});
  co_return co_await close_stream_and_tasks(stream_.get(), scope_, deadline);
}

void AudioRecognition::kill() noexcept {
  if (stream_) stream_->kill();
  scope_.kill();
}

}  // namespace parley
