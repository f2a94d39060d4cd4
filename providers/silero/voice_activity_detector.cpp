#include "providers/silero/voice_activity_detector.hpp"

#include <algorithm>

namespace parley {
namespace {

std::size_t samples(Duration duration) noexcept {
  const auto bounded = std::clamp<Duration>(duration, Duration::zero(), VoiceActivityDetector::kMaxPrefix);
  return static_cast<std::size_t>(to_seconds(bounded) * SileroModel::kSampleRate + 0.5);
}

// Enough for the prefix and for the speech that had to pass before the beginning was sure.
std::size_t ring_size(const VoiceActivityOptions& options) noexcept {
  const std::size_t wanted = samples(options.prefix_padding) + samples(options.min_speech) + 2 * SileroModel::kFrame;
  return (wanted / SileroModel::kFrame + 1) * SileroModel::kFrame;
}

}  // namespace

VoiceActivityDetector::VoiceActivityDetector(std::shared_ptr<const SileroModel> model, VoiceActivityOptions options)
    : state_(std::move(model)),
      gate_(options, SileroModel::kFrame, SileroModel::kSampleRate),
      prefix_(samples(options.prefix_padding)),
      kept_(ring_size(options)) {}

void VoiceActivityDetector::push(std::span<const float> samples, const Sink& sink) {
  while (!samples.empty()) {
    const std::size_t taken = std::min(samples.size(), frame_.size() - filled_);
    std::copy_n(samples.begin(), taken, frame_.begin() + static_cast<std::ptrdiff_t>(filled_));
    samples = samples.subspan(taken);
    filled_ += taken;
    if (filled_ < frame_.size()) return;
    filled_ = 0;
    keep(frame_);
    const float probability = state_.process(frame_);
    const auto event = gate_.push(probability);
    sink({gate_.position(), probability, gate_.speaking(), event});
  }
}

void VoiceActivityDetector::keep(std::span<const float> frame) {
  // Positions and the ring's size are whole frames, so a frame never wraps.
  std::ranges::copy(frame, kept_.begin() + static_cast<std::ptrdiff_t>(gate_.position() % kept_.size()));
}

std::vector<float> VoiceActivityDetector::audio_since(std::uint64_t from) const {
  const std::uint64_t end = position();
  const std::uint64_t oldest = end > kept_.size() ? end - kept_.size() : 0;
  std::vector<float> audio;
  for (std::uint64_t at = std::max(from, oldest); at < end; ++at) audio.push_back(kept_[at % kept_.size()]);
  return audio;
}

std::uint64_t VoiceActivityDetector::with_prefix(std::uint64_t at) const noexcept {
  return at > prefix_ ? at - prefix_ : 0;
}

std::optional<SpeechEvent> VoiceActivityDetector::finish() noexcept {
  filled_ = 0;
  state_.reset();
  return gate_.finish();
}

}  // namespace parley
