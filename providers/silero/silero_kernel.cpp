#include "providers/silero/silero_kernel.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace parley::silero {
namespace {

using Vec = float __attribute__((vector_size(kLane * sizeof(float))));
using IntVec = std::int32_t __attribute__((vector_size(kLane * sizeof(float))));

#define PARLEY_INLINE [[gnu::always_inline]] inline

PARLEY_INLINE void load(Vec& to, const float* from) { std::memcpy(&to, from, sizeof(to)); }
PARLEY_INLINE void store(float* to, const Vec& from) { std::memcpy(to, &from, sizeof(from)); }

// y[t][o] = bias[o] + sum over i of x[t][i] * w[o][i], for T inputs side by side and tiles of V vectors of outputs.
template <int T, int V>
PARLEY_INLINE void dense(const float* w, const float* bias, std::size_t tiles, const float* x, std::size_t x_stride,
                         std::size_t inputs, float* y, std::size_t y_stride) {
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    Vec sum[T][V];
    for (int v = 0; v < V; ++v) {
      Vec first = {};
      if (bias) load(first, bias + (tile * V + v) * kLane);
      for (int t = 0; t < T; ++t) sum[t][v] = first;
    }
    for (std::size_t i = 0; i < inputs; ++i, w += V * kLane) {
      for (int v = 0; v < V; ++v) {
        Vec weight;
        load(weight, w + v * kLane);
        for (int t = 0; t < T; ++t) sum[t][v] = sum[t][v] + weight * x[t * x_stride + i];
      }
    }
    for (int t = 0; t < T; ++t) {
      for (int v = 0; v < V; ++v) store(y + t * y_stride + (tile * V + v) * kLane, sum[t][v]);
    }
  }
}

PARLEY_INLINE void relu(float* x, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) x[i] = x[i] > 0 ? x[i] : 0;
}

// e^x to 2 units in the last place: x = n ln 2 + r, a polynomial for e^r (Cephes' expf), n added to the exponent.
PARLEY_INLINE void exponential(Vec& x) {
  constexpr float kMost = 80.0F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding and taking it away rounds to a whole number
  const Vec most = Vec{} + kMost;
  x = x > most ? most : x;
  x = x < -most ? -most : x;
  const Vec n = (x * 1.44269504F + kRound) - kRound;
  const Vec r = (x - n * 0.693359375F) - n * -2.12194440e-4F;
  Vec p = r * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * r * r + r + 1.0F;
  const IntVec bits = (__builtin_convertvector(n, IntVec) + 127) << 23;
  Vec scale;
  std::memcpy(&scale, &bits, sizeof(scale));
  x = p * scale;
}

PARLEY_INLINE void sigmoid(Vec& x) {
  x = -x;
  exponential(x);
  x = 1.0F / (1.0F + x);
}

PARLEY_INLINE void tanh(Vec& x) {
  x = 2.0F * x;
  sigmoid(x);
  x = 2.0F * x - 1.0F;
}

// Spectra by a Fourier matrix with the window in it, after folding: half the products.
PARLEY_INLINE void magnitudes(const float* weights, const float* input, float* out) {
  alignas(64) float even[kSpectra][kFolded];
  alignas(64) float odd[kSpectra][kFolded];
  for (std::size_t t = 0; t < kSpectra; ++t) {
    const float* x = input + t * kHop;
    for (std::size_t n = 1; n < kFolded; ++n) {
      even[t][n - 1] = x[n] + x[kWindow - n];
      odd[t][n - 1] = x[n] - x[kWindow - n];
    }
    even[t][kFolded - 1] = x[kFolded];
    odd[t][kFolded - 1] = 0;
  }
  alignas(64) float real[kSpectra][kPaddedBins];
  alignas(64) float imaginary[kSpectra][kPaddedBins];
  constexpr std::size_t kTiles = kPaddedBins / kSpectrumTile;
  dense<kSpectra, 2>(weights + Layout::kCosine, nullptr, kTiles, even[0], kFolded, kFolded, real[0], kPaddedBins);
  dense<kSpectra, 2>(weights + Layout::kSine, nullptr, kTiles, odd[0], kFolded, kFolded, imaginary[0], kPaddedBins);
  for (std::size_t t = 0; t < kSpectra; ++t) {
    for (std::size_t k = 0; k < kBins; ++k) {
      out[t * kBins + k] = __builtin_sqrtf(real[t][k] * real[t][k] + imaginary[t][k] * imaginary[t][k]);
    }
  }
}

PARLEY_INLINE void lstm(const float* gates, float* hidden, float* cell) {
  for (std::size_t i = 0; i < kHidden; i += kLane) {
    Vec in, forget, candidate, out, c;
    load(in, gates + i);
    load(forget, gates + kHidden + i);
    load(candidate, gates + 2 * kHidden + i);
    load(out, gates + 3 * kHidden + i);
    load(c, cell + i);
    sigmoid(in);
    sigmoid(forget);
    tanh(candidate);
    sigmoid(out);
    c = forget * c + in * candidate;
    store(cell + i, c);
    tanh(c);
    store(hidden + i, out * c);
  }
}

PARLEY_INLINE float step(const float* weights, const float* input, float* hidden, float* cell) {
  // Rows of zeros stand before and after the spectra, and before the first convolution's output: the padding.
  alignas(64) float spectra[(kSpectra + 2) * kBins] = {};
  magnitudes(weights, input, spectra + kBins);
  alignas(64) float one[(kSpectra + 1) * 128] = {};
  dense<4, 2>(weights + Layout::kConv1, weights + Layout::kBias1, 128 / kSpectrumTile, spectra, kBins, 3 * kBins,
              one + 128, 128);
  relu(one + 128, kSpectra * 128);
  alignas(64) float two[2 * 64];
  dense<2, 4>(weights + Layout::kConv2, weights + Layout::kBias2, 64 / kPairTile, one, 2 * 128, 3 * 128, two, 64);
  relu(two, 2 * 64);
  alignas(64) float three[64];
  dense<1, 8>(weights + Layout::kConv3, weights + Layout::kBias3, 1, two, 0, 2 * 64, three, 0);
  relu(three, 64);
  alignas(64) float four[2 * kHidden];
  dense<1, 8>(weights + Layout::kConv4, weights + Layout::kBias4, 128 / kSingleTile, three, 0, 64, four, 0);
  relu(four, kHidden);
  std::memcpy(four + kHidden, hidden, kHidden * sizeof(float));
  alignas(64) float gates[4 * kHidden];
  dense<1, 8>(weights + Layout::kLstm, weights + Layout::kLstmBias, 4 * kHidden / kSingleTile, four, 0, 2 * kHidden,
              gates, 0);
  lstm(gates, hidden, cell);
  float sum = weights[Layout::kHeadBias];
  for (std::size_t i = 0; i < kHidden; ++i) sum += weights[Layout::kHead + i] * (hidden[i] > 0 ? hidden[i] : 0);
  return 1.0F / (1.0F + std::exp(-sum));
}

float step_baseline(const float* weights, const float* input, float* hidden, float* cell) {
  return step(weights, input, hidden, cell);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] float step_avx2(const float* weights, const float* input, float* hidden, float* cell) {
  return step(weights, input, hidden, cell);
}
#endif

}  // namespace

Step baseline_step() noexcept { return step_baseline; }

Step fastest_step() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return step_avx2;
#endif
  return step_baseline;
}

}  // namespace parley::silero
