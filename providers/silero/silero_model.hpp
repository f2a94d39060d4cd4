// Silero's voice activity model: for every 512 samples of 16 kHz mono, how probably someone speaks.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include <parley/base/result.hpp>

#include "providers/silero/silero_kernel.hpp"

namespace parley {

// The learned numbers, loaded once and shared by all calls.
//
// Thread: any; it never changes after load(). It starts no thread and holds no descriptor, so a process that forks after
//         load() shares it with its children: they read the same pages, which are write-protected.
// Bound:  kBytes of memory.
class SileroModel {
 public:
  static constexpr int kSampleRate = 16000;
  static constexpr std::size_t kFrame = silero::kFrame;
  static constexpr std::size_t kBytes = silero::Layout::kFloats * sizeof(float);

  // Reads `silero_vad.onnx` (v5 or v6). A missing, cut or foreign file is an error that names it and says what to do.
  static Result<std::shared_ptr<const SileroModel>> load(const std::string& path);

  SileroModel(const SileroModel&) = delete;
  SileroModel& operator=(const SileroModel&) = delete;
  ~SileroModel();

  const float* weights() const noexcept { return weights_; }
  silero::Step step() const noexcept { return step_; }

 private:
  explicit SileroModel(float* weights) noexcept : weights_(weights), step_(silero::fastest_step()) {}

  float* weights_;
  silero::Step step_;
};

// What the model remembers of one stream: 1.3 KB.
//
// Thread: the owner's only.
class SileroState {
 public:
  explicit SileroState(std::shared_ptr<const SileroModel> model) noexcept : model_(std::move(model)) {}

  // The probability of speech in the next frame; samples lie in [-1, 1], anything not finite counts as silence.
  float process(std::span<const float, SileroModel::kFrame> frame) noexcept;

  // Forgets the stream: after a gap in the audio.
  void reset() noexcept;

 private:
  std::shared_ptr<const SileroModel> model_;
  alignas(64) std::array<float, silero::kHidden> hidden_{};
  std::array<float, silero::kHidden> cell_{};
  std::array<float, silero::kContext> context_{};
};

}  // namespace parley
