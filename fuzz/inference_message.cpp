// What arrives on the inference process's socket, at either end.
#include <cstdlib>

#include "ipc/inference_wire.hpp"

using namespace parley;
using namespace parley::ipc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = as_text(ByteView(data, size));
  if (const auto message = parse_to_inference(bytes)) {
    if (const auto* request = std::get_if<RecognizeRequest>(&*message)) {
      if (request->samples == 0 || request->samples > kMaxInferenceSamples) std::abort();
      if (request->patience < Duration::zero() || request->patience > kMaxInferencePatience) std::abort();
    }
    const auto again = parse_to_inference(serialize(*message));
    if (!again || again->index() != message->index()) std::abort();
  }
  if (const auto answer = parse_inference_answer(bytes)) {
    if (answer->text && answer->text->size() > kMaxInferenceText) std::abort();
    const auto again = parse_inference_answer(serialize(*answer));
    if (!again || again->id != answer->id || again->text.has_value() != answer->text.has_value()) std::abort();
  }
  return 0;
}
