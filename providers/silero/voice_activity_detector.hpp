// Who speaks when: audio in, beginnings and ends of speech out, with the audio from just before a beginning.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <parley/base/time.hpp>

#include "providers/silero/silero_model.hpp"
#include "providers/silero/speech_gate.hpp"

namespace parley {

struct VoiceActivityOptions : SpeechGateOptions {
  Duration prefix_padding = 500ms;  // audio before a beginning that audio_since() still has
};

// One frame's outcome.
struct VoiceActivity {
  std::uint64_t position;  // the sample after the frame, counted from the beginning of the stream
  float probability;
  bool speaking;  // after this frame
  std::optional<SpeechEvent> event;
};

// Thread: the owner's only. No clock: the same samples give the same answers however they are cut.
// Bound:  kMaxPrefix of audio is kept at most.
class VoiceActivityDetector {
 public:
  static constexpr Duration kMaxPrefix = 5s;
  using Sink = std::function<void(const VoiceActivity&)>;

  VoiceActivityDetector(std::shared_ptr<const SileroModel> model, VoiceActivityOptions options);

  // 16 kHz mono in [-1, 1], any number of samples. `sink` is called for each whole frame (32 ms) before push() returns;
  // it may call audio_since().
  void push(std::span<const float> samples, const Sink& sink);

  // The audio from sample `from` to the end of the last frame, as far back as it is still kept: at a beginning, the
  // speech so far and prefix_padding before it.
  std::vector<float> audio_since(std::uint64_t from) const;

  // At a beginning: where the audio that belongs to it starts, with prefix_padding before it.
  std::uint64_t with_prefix(std::uint64_t at) const noexcept;

  // The stream ends or breaks here: speech that goes on ends, an unfinished frame and the model's memory are forgotten.
  // Positions go on counting; those of an unfinished frame are skipped.
  std::optional<SpeechEvent> finish() noexcept;

  bool speaking() const noexcept { return gate_.speaking(); }
  std::uint64_t position() const noexcept { return gate_.position(); }

 private:
  void keep(std::span<const float> frame);

  SileroState state_;
  SpeechGate gate_;
  std::size_t prefix_;  // samples
  std::array<float, SileroModel::kFrame> frame_{};
  std::size_t filled_ = 0;
  std::vector<float> kept_;  // a ring; the newest sample is at position() - 1, modulo its size
};

}  // namespace parley
