// What the project's own recogniser hears in a recording, for tests of whole calls.
//
//   hear call.wav CHANNEL [FROM TO TEXT]...     channel 0 or 1, seconds; each part is held against the text it should say
//
// Prints a line for each part: wrong words, words of the text, and what was heard.
#include <charconv>
#include <string_view>

#include <fmt/format.h>

#include "audio/resample.hpp"
#include "audio/wav_file.hpp"
#include "providers/moonshine/moonshine_model.hpp"
#include "support/models.hpp"
#include "support/word_error_rate.hpp"

namespace parley {
namespace {

int complain(const Error& error) {
  fmt::print(stderr, "hear: {}\n", error.message());
  return 2;
}

// Where a time lies in `samples`, or their end.
std::size_t index(std::string_view seconds, const std::vector<std::int16_t>& samples) {
  double value = 0;
  std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
  return std::min(samples.size(), static_cast<std::size_t>(std::max(0.0, value) * kSpeechRate));
}

int hear(const std::string& path, int channel, std::span<char*> parts) {
  const auto wav = read_wav_file(path);
  if (!wav) return complain(wav.error());
  const auto samples = resample(wav->channel(channel).samples, wav->sample_rate, kSpeechRate);
  if (!samples) return complain(samples.error());
  const auto model = MoonshineModel::load(test::model_path("moonshine-tiny-en"));
  if (!model) return complain(model.error());
  for (; parts.size() >= 3; parts = parts.subspan(3)) {
    const auto from = index(parts[0], *samples);
    const auto to = std::max(from, index(parts[1], *samples));
    std::vector<float> part(to - from);
    to_float(Samples(*samples).subspan(from, to - from), part);
    const auto heard = model->transcribe(part);
    if (!heard) return complain(heard.error());
    const auto errors = test::word_errors(parts[2], *heard);
    fmt::print("{} {} {}\n", errors.total(), errors.words, *heard);
  }
  return 0;
}

}  // namespace
}  // namespace parley

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  return parley::hear(argv[1], std::string_view(argv[2]) == "1", std::span(argv + 3, argv + argc));
}
