#include "providers/silero/silero_model.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "providers/silero/onnx_weights.hpp"

namespace parley {
namespace {

using silero::Layout;

enum Wanted {
  kStft,
  kConv1,
  kBias1,
  kConv2,
  kBias2,
  kConv3,
  kBias3,
  kConv4,
  kBias4,
  kInput,
  kRecurrent,
  kInputBias,
  kRecurrentBias,
  kHead,
  kHeadBias
};

const std::vector<WantedTensor>& wanted() {
  static const std::vector<WantedTensor> all = {
      {"stft.forward_basis_buffer", {258, 1, 256}},
      {"encoder.0.reparam_conv.weight", {128, 129, 3}},
      {"encoder.0.reparam_conv.bias", {128}},
      {"encoder.1.reparam_conv.weight", {64, 128, 3}},
      {"encoder.1.reparam_conv.bias", {64}},
      {"encoder.2.reparam_conv.weight", {64, 64, 3}},
      {"encoder.2.reparam_conv.bias", {64}},
      {"encoder.3.reparam_conv.weight", {128, 64, 3}},
      {"encoder.3.reparam_conv.bias", {128}},
      {"decoder.rnn.weight_ih", {512, 128}},
      {"decoder.rnn.weight_hh", {512, 128}},
      {"decoder.rnn.bias_ih", {512}},
      {"decoder.rnn.bias_hh", {512}},
      {"decoder.decoder.2.weight", {1, 128, 1}},
      {"decoder.decoder.2.bias", {1}},
  };
  return all;
}

// Writes weights in tiles of `tile` outputs, each tile input by input: what dense() reads front to back.
// at(output, input) gives the weight; outputs beyond `outputs` are zero.
template <class At>
void lay_out(float* to, std::size_t outputs, std::size_t inputs, std::size_t tile, At at) {
  for (std::size_t first = 0; first < outputs; first += tile) {
    for (std::size_t i = 0; i < inputs; ++i) {
      for (std::size_t o = first; o < first + tile; ++o) *to++ = o < outputs ? at(o, i) : 0.0F;
    }
  }
}

// A convolution's weights, [output][channel][tap] in the file, with inputs in the order of time, then channel.
void lay_out_conv(float* to, const std::vector<float>& from, std::size_t outputs, std::size_t channels,
                  std::size_t first_tap, std::size_t taps, std::size_t tile) {
  lay_out(to, outputs, taps * channels, tile, [&](std::size_t o, std::size_t i) {
    return from[(o * channels + i % channels) * 3 + first_tap + i / channels];
  });
}

// The Fourier rows are folded about the middle of the window, so they must be (anti)symmetric.
bool is_folding(const std::vector<float>& basis) {
  constexpr float kTolerance = 1e-5F;
  for (std::size_t row = 0; row < 2 * silero::kBins; ++row) {
    const float* at = &basis[row * silero::kWindow];
    const float sign = row < silero::kBins ? 1.0F : -1.0F;
    if (std::abs(at[0]) > kTolerance) return false;
    for (std::size_t n = 1; n < silero::kFolded; ++n) {
      if (std::abs(at[n] - sign * at[silero::kWindow - n]) > kTolerance) return false;
    }
  }
  return true;
}

void lay_out_model(float* to, const std::vector<std::vector<float>>& from) {
  const auto basis = [&](std::size_t row, std::size_t i) { return from[kStft][row * silero::kWindow + i + 1]; };
  lay_out(to + Layout::kCosine, silero::kBins, silero::kFolded, silero::kSpectrumTile, basis);
  lay_out(to + Layout::kSine, silero::kBins, silero::kFolded, silero::kSpectrumTile,
          [&](std::size_t o, std::size_t i) { return basis(o + silero::kBins, i); });
  lay_out_conv(to + Layout::kConv1, from[kConv1], 128, silero::kBins, 0, 3, silero::kSpectrumTile);
  lay_out_conv(to + Layout::kConv2, from[kConv2], 64, 128, 0, 3, silero::kPairTile);
  lay_out_conv(to + Layout::kConv3, from[kConv3], 64, 64, 1, 2, silero::kSingleTile);
  lay_out_conv(to + Layout::kConv4, from[kConv4], 128, 64, 1, 1, silero::kSingleTile);
  lay_out(to + Layout::kLstm, 4 * silero::kHidden, 2 * silero::kHidden, silero::kSingleTile,
          [&](std::size_t o, std::size_t i) {
            return i < silero::kHidden ? from[kInput][o * silero::kHidden + i]
                                       : from[kRecurrent][o * silero::kHidden + i - silero::kHidden];
          });
  std::ranges::copy(from[kHead], to + Layout::kHead);
  std::ranges::copy(from[kBias1], to + Layout::kBias1);
  std::ranges::copy(from[kBias2], to + Layout::kBias2);
  std::ranges::copy(from[kBias3], to + Layout::kBias3);
  std::ranges::copy(from[kBias4], to + Layout::kBias4);
  std::ranges::transform(from[kInputBias], from[kRecurrentBias], to + Layout::kLstmBias, std::plus{});
  to[Layout::kHeadBias] = from[kHeadBias].front();
}

}  // namespace

Result<std::shared_ptr<const SileroModel>> SileroModel::load(const std::string& path) {
  const auto tensors = read_onnx_weights(path, wanted());
  if (!tensors) return fail(tensors.error());
  if (!is_folding((*tensors)[kStft])) {
    return fail(
        Errc::invalid_argument,
        fmt::format(
            "the voice activity model \"{}\" has another spectrum than Silero v5 and v6; run \"make setup\" to get "
            "the right one",
            path));
  }
  // Pages of their own, outside the heap: a child that churns its heap never copies them.
  void* pages = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return fail(errno_error("memory for the voice activity model", errno));
  lay_out_model(static_cast<float*>(pages), *tensors);
  mprotect(pages, kBytes, PROT_READ);
  return std::shared_ptr<const SileroModel>(new SileroModel(static_cast<float*>(pages)));
}

SileroModel::~SileroModel() { munmap(weights_, kBytes); }

float SileroState::process(std::span<const float, SileroModel::kFrame> frame) noexcept {
  using namespace silero;
  alignas(64) float input[kContext + kFrame + kMirror];
  std::ranges::copy(context_, input);
  std::ranges::transform(frame, input + kContext,
                         [](float x) { return std::isfinite(x) ? std::clamp(x, -1.0F, 1.0F) : 0.0F; });
  constexpr std::size_t kLast = kContext + kFrame - 1;
  for (std::size_t i = 1; i <= kMirror; ++i) input[kLast + i] = input[kLast - i];
  std::copy_n(input + kFrame, kContext, context_.begin());
  return model_->step()(model_->weights(), input, hidden_.data(), cell_.data());
}

void SileroState::reset() noexcept {
  hidden_.fill(0);
  cell_.fill(0);
  context_.fill(0);
}

}  // namespace parley
