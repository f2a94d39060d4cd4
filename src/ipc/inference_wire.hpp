// The messages between a job and the inference process, as plain values, and the audio beside them.
//
// Both sides may be dead, slow or lying: what is parsed is bounded, and audio is read, never mapped, so that a memfd
// that is shrunk by its owner is an error and no signal.
//
// Thread: any; no state.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/fd.hpp"
#include "ipc/inference.hpp"

namespace parley::ipc {

constexpr std::size_t kMaxInferenceSamples = 60 * kInferenceRate;
constexpr Duration kMaxInferencePatience = 10min;

struct RecognizeRequest {
  std::uint64_t id = 0;
  std::size_t samples = 0;  // 1 to kMaxInferenceSamples
  Duration patience{};      // from its arrival on
};
struct CancelRequest {
  std::uint64_t id = 0;  // nobody waits for it any more
};
using ToInference = std::variant<RecognizeRequest, CancelRequest>;

struct InferenceAnswer {
  std::uint64_t id = 0;
  Result<std::string> text;
};

std::string serialize(const ToInference& message);
// Texts longer than kMaxInferenceText become an error that says so.
std::string serialize(const InferenceAnswer& answer);

// Errc::protocol: what is wrong with it.
Result<ToInference> parse_to_inference(std::string_view bytes);
Result<InferenceAnswer> parse_inference_answer(std::string_view bytes);

// 16-bit samples in a memfd. Errc::invalid_argument: none, or more than kMaxInferenceSamples; Errc::io.
Result<Fd> make_inference_audio(std::span<const float> samples);
// Errc::protocol: it holds less than was said. Blocks for the length of a copy.
Result<std::vector<float>> read_inference_audio(int fd, std::size_t samples);

}  // namespace parley::ipc
