// WAV files from outside: what reads is within its bounds, and writes and reads back the same.
#include <cstdlib>

#include "audio/wav.hpp"

using namespace parley;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto wav = parse_wav({data, size});
  if (!wav) {
    if (wav.error().message().empty()) std::abort();
    return 0;
  }
  if (wav->channels < 1 || wav->channels > 2 || wav->sample_rate < kMinWavRate || wav->sample_rate > kMaxWavRate)
    std::abort();
  if (wav->samples.size() * 2 > size || wav->samples.size() % static_cast<std::size_t>(wav->channels) != 0)
    std::abort();
  if (wav->mono().samples.size() != wav->frames()) std::abort();
  if (wav->channel(wav->channels - 1).samples.size() != wav->frames()) std::abort();
  const auto again = parse_wav(format_wav(wav->sample_rate, wav->channels, wav->samples).value());
  if (!again || again->samples != wav->samples) std::abort();
  return 0;
}
