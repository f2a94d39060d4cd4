#include "providers/moonshine/moonshine_model.hpp"

#include <sherpa-onnx/c-api/c-api.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <vector>

#include <fmt/format.h>

#include "providers/moonshine/model_files.hpp"
#include "providers/moonshine/stutter.hpp"
#include "providers/moonshine/utterance_audio.hpp"

namespace parley {
namespace {

constexpr const char* kEncoder = "/encoder_model.onnx";
constexpr const char* kDecoder = "/decoder_model_merged.onnx";
constexpr const char* kTokens = "/tokens.txt";
constexpr std::size_t kLeastSamples = 4000;  // a quarter of a second: shorter audio is filled up with silence
constexpr std::size_t kMaxSamples =
    static_cast<std::size_t>(to_seconds(MoonshineModel::kMaxUtterance) * MoonshineModel::kSampleRate);

struct DestroyStream {
  void operator()(const SherpaOnnxOfflineStream* stream) const { SherpaOnnxDestroyOfflineStream(stream); }
};
struct DestroyText {
  void operator()(const SherpaOnnxOfflineRecognizerResult* result) const {
    SherpaOnnxDestroyOfflineRecognizerResult(result);
  }
};

// Bytes of a UTF-8 sequence at the front, 0 if it is broken: the decoder may stop within a letter.
std::size_t sequence(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80                   ? 1
                           : lead >= 0xC2 && lead < 0xE0 ? 2
                           : (lead >> 4) == 14           ? 3
                           : (lead >> 3) == 30           ? 4
                                                         : 0;
  if (size > text.size()) return 0;
  const bool whole =
      std::ranges::all_of(text.substr(1, size == 0 ? 0 : size - 1), [](char c) { return (c & 0xC0) == 0x80; });
  return whole ? size : 0;
}

// One line of valid UTF-8 without control characters, single spaces.
std::string tidy(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t size = sequence(text);
    const bool space = size == 1 && static_cast<unsigned char>(text.front()) <= 0x20;
    if (space && !line.empty() && line.back() != ' ') line += ' ';
    if (size > 0 && !space) line += text.substr(0, size);
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

std::vector<float> prepared(std::span<const float> samples) {
  std::vector<float> audio(samples.begin(), samples.end());
  for (float& x : audio) x = std::isfinite(x) ? std::clamp(x, -1.0F, 1.0F) : 0.0F;
  audio.resize(std::max(audio.size(), kLeastSamples));
  return audio;
}

}  // namespace

void MoonshineModel::Destroy::operator()(const SherpaOnnxOfflineRecognizer* recognizer) const {
  SherpaOnnxDestroyOfflineRecognizer(recognizer);
}

Result<> MoonshineModel::check(const std::string& directory) {
  if (auto checked = check_onnx_file(directory + kEncoder, "last_hidden_state"); !checked) return checked;
  if (auto checked = check_onnx_file(directory + kDecoder, "past_key_values"); !checked) return checked;
  return check_tokens_file(directory + kTokens);
}

Result<MoonshineModel> MoonshineModel::load(const std::string& directory) {
  if (auto checked = check(directory); !checked) return fail(checked.error());
  const std::string encoder = directory + kEncoder;
  const std::string decoder = directory + kDecoder;
  const std::string tokens = directory + kTokens;

  SherpaOnnxOfflineRecognizerConfig config{};
  config.feat_config.sample_rate = kSampleRate;
  config.feat_config.feature_dim = 80;
  config.model_config.moonshine.encoder = encoder.c_str();
  config.model_config.moonshine.merged_decoder = decoder.c_str();
  config.model_config.tokens = tokens.c_str();
  config.model_config.num_threads = 1;
  config.model_config.provider = "cpu";
  config.decoding_method = "greedy_search";
  std::string why = "it refused the files";
  try {
    if (const auto* recognizer = SherpaOnnxCreateOfflineRecognizer(&config)) return MoonshineModel(recognizer);
  } catch (const std::exception& error) {
    why = tidy(error.what());
  }
  return fail(
      Errc::invalid_argument,
      fmt::format(
          "the speech recogniser in \"{}\" cannot be used (sherpa-onnx: {}); run \"make setup\" to get it again",
          directory, why));
}

Result<std::string> MoonshineModel::transcribe(std::span<const float> samples) const {
  if (samples.size() > kMaxSamples) {
    return fail(Errc::invalid_argument,
                fmt::format("an utterance of {:.1f} s is too long to recognise at once; the most is {:.0f} s",
                            static_cast<double>(samples.size()) / kSampleRate, to_seconds(kMaxUtterance)));
  }
  const auto audio = prepared(without_silence(samples));
  if (std::ranges::all_of(audio, [](float x) { return x == 0; })) return std::string();
  try {
    const std::unique_ptr<const SherpaOnnxOfflineStream, DestroyStream> stream(
        SherpaOnnxCreateOfflineStream(recognizer_.get()));
    SherpaOnnxAcceptWaveformOffline(stream.get(), kSampleRate, audio.data(), static_cast<std::int32_t>(audio.size()));
    SherpaOnnxDecodeOfflineStream(recognizer_.get(), stream.get());
    const std::unique_ptr<const SherpaOnnxOfflineRecognizerResult, DestroyText> result(
        SherpaOnnxGetOfflineStreamResult(stream.get()));
    return result && result->text ? without_stutter(tidy(result->text)) : std::string();
  } catch (const std::exception& error) {
    return fail(Errc::internal, fmt::format("the speech recogniser failed: {}", error.what()));
  }
}

}  // namespace parley
