// A model file that is none, or another: the reader of learned numbers.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/silero/onnx_weights.hpp"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const WantedTensor wanted[] = {{"a.weight", {2, 1}}, {"b.bias", {1}}};
  const auto weights = parse_onnx_weights({reinterpret_cast<const char*>(data), size}, "f", wanted);
  if (!weights) {
    if (weights.error().message().empty()) std::abort();
    return 0;
  }
  if (weights->size() != 2 || (*weights)[0].size() != 2 || (*weights)[1].size() != 1) std::abort();
  for (const auto& tensor : *weights) {
    for (const float value : tensor) {
      if (!std::isfinite(value)) std::abort();
    }
  }
  return 0;
}
