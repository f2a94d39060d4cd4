#include "providers/silero/silero_vad.hpp"

#include "providers/silero/voice_activity_detector.hpp"

namespace parley {

namespace {

class SileroVadStream final : public VadStream {
 public:
  SileroVadStream(std::shared_ptr<const SileroModel> model, const VoiceActivityOptions& options)
      : detector_(std::move(model), options) {}

  std::vector<VadEvent> push(const AudioFrame& frame) override {
    std::vector<VadEvent> events;
    samples_.clear();
    for (const auto sample : frame.samples) samples_.push_back(static_cast<float>(sample) / 32768.0F);
    detector_.push(samples_, [&](const VoiceActivity& activity) { judge(activity, events); });
    return events;
  }

  void reset() override { detector_.finish(); }

 private:
  void judge(const VoiceActivity& activity, std::vector<VadEvent>& events) {
    VadEvent event;
    event.type = VadEvent::Type::inference;
    event.probability = static_cast<double>(activity.probability);
    event.speaking = activity.speaking;
    if (activity.event && activity.event->kind == SpeechEvent::Kind::started) {
      began_ = activity.event->at;
      event.type = VadEvent::Type::start_of_speech;
      event.speech = since(began_, activity.position);
    } else if (activity.event) {
      event.type = VadEvent::Type::end_of_speech;
      event.speech = since(began_, activity.event->at);
      event.silence = since(activity.event->at, activity.position);
    } else if (activity.speaking) {
      event.speech = since(began_, activity.position);
    }
    events.push_back(event);
  }

  static Duration since(std::uint64_t from, std::uint64_t to) noexcept { return duration_of(to - from, kSpeechRate); }

  VoiceActivityDetector detector_;
  std::uint64_t began_ = 0;  // sample at which the present speech began
  std::vector<float> samples_;
};

}  // namespace

std::unique_ptr<VadStream> SileroVad::stream(const VadOptions& options) {
  VoiceActivityOptions detector;
  detector.activation = static_cast<float>(options.activation);
  detector.deactivation = static_cast<float>(options.deactivation);
  detector.min_speech = options.min_speech;
  detector.min_silence = options.min_silence;
  detector.prefix_padding = Duration::zero();  // the recogniser's stream keeps its own
  return std::make_unique<SileroVadStream>(model_, detector);
}

}  // namespace parley
