#include "session/failure_words.hpp"

#include <cmath>
#include <numbers>

#include "audio/resample.hpp"
#include "session/stream_close.hpp"

namespace parley {
namespace {

constexpr double kTones[] = {950, 1400, 1800};  // Hz
constexpr Duration kTone = 330ms;
constexpr Duration kPause = 1s;
constexpr double kLevel = 6000;  // of 32767

std::vector<std::int16_t> special_information_tone() {
  std::vector<std::int16_t> samples;
  const auto length = samples_in(kTone, kTransportRate);
  for (const double frequency : kTones) {
    for (std::size_t i = 0; i < length; ++i) {
      const auto phase = 2 * std::numbers::pi * frequency * static_cast<double>(i) / kTransportRate;
      samples.push_back(static_cast<std::int16_t>(kLevel * std::sin(phase)));
    }
  }
  samples.resize(samples.size() + samples_in(kPause, kTransportRate));
  return samples;
}

// Everything that one provider says to the text; empty when it fails.
Task<std::vector<std::int16_t>> ask(Scope& scope, Tts& tts, const std::string& text, Deadline deadline) {
  std::vector<std::int16_t> spoken;
  if (scope.stopping()) co_return spoken;
  const auto stream = tts.stream(scope);
  if (!stream->push_text(text)) co_return spoken;
  stream->end_input();
  for (;;) {
    auto chunk = co_await stream->audio().pop(deadline);
    if (!chunk) {
      if (chunk.error().code() == Errc::timeout) spoken.clear();
      break;
    }
    if (!*chunk) {
      spoken.clear();
      break;
    }
    const auto& samples = (*chunk)->audio.samples;
    spoken.insert(spoken.end(), samples.begin(), samples.end());
    if ((*chunk)->end_of_segment || spoken.size() > samples_in(FailureWords::kMaxWords, tts.sample_rate())) break;
  }
  (void)co_await close_stream(*stream, deadline);
  co_return spoken;
}

}  // namespace

std::vector<std::int16_t> FailureWords::sound() const {
  if (spoken()) {
    if (auto words = resample(words_, sample_rate_, kTransportRate)) return std::move(*words);
  }
  return special_information_tone();
}

Task<void> FailureWords::synthesise(Scope& scope, std::shared_ptr<Chain<Tts>> chain, std::string text) {
  struct Settles {
    Event& event;
    ~Settles() { event.set(); }
  } settles{settled_};
  auto& loop = co_await this_loop();
  const auto deadline = loop.in(kPatience);
  for (const auto& tts : chain->providers) {
    auto spoken = co_await ask(scope, *tts, text, deadline);
    if (spoken.empty()) continue;
    spoken.resize(std::min(spoken.size(), samples_in(kMaxWords, tts->sample_rate())));
    spoken.shrink_to_fit();
    words_ = std::move(spoken);
    sample_rate_ = tts->sample_rate();
    co_return;
  }
  loop.logger().warn("the words for a failure could not be synthesised: the caller would hear tones");
}

}  // namespace parley
