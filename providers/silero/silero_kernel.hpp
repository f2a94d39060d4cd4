// The arithmetic of Silero's voice activity model (v5 and v6, 16 kHz): one step is 512 samples, 32 ms,
// computed in about 12 us with AVX2 and 42 us without.
//
//   64 samples of context + 512 new + 64 mirrored -> 4 spectra of 129 magnitudes (window 256, hop 128)
//   -> four convolutions 128, 64, 64, 128 (strides 1, 2, 2, 1; width 3) with ReLU -> LSTM of 128 -> ReLU -> linear -> sigmoid
//
// Weights are laid out for reading front to back: in tiles of neighbouring outputs, each tile input by input. The loops are
// plain; the compiler vectorises them once for the baseline and, on x86-64, once more for AVX2, chosen at run time.
#pragma once

#include <cstddef>

namespace parley::silero {

inline constexpr std::size_t kFrame = 512;   // samples of one step
inline constexpr std::size_t kContext = 64;  // samples before them that a step sees again
inline constexpr std::size_t kMirror = 64;   // samples mirrored at the end
inline constexpr std::size_t kWindow = 256;
inline constexpr std::size_t kHop = 128;
inline constexpr std::size_t kSpectra = 4;
inline constexpr std::size_t kBins = 129;
inline constexpr std::size_t kHidden = 128;

// A tile is this many neighbouring outputs: few where several spectra share the registers, many where one does.
inline constexpr std::size_t kLane = 8;
inline constexpr std::size_t kSpectrumTile = 2 * kLane;
inline constexpr std::size_t kPairTile = 4 * kLane;
inline constexpr std::size_t kSingleTile = 8 * kLane;

inline constexpr std::size_t kPaddedBins = 144;  // 129 in whole spectrum tiles
inline constexpr std::size_t kFolded = 128;      // the window folded about its middle, where it is (anti)symmetric

// Where each layer's numbers lie, in floats from the beginning.
struct Layout {
  static constexpr std::size_t kCosine = 0;
  static constexpr std::size_t kSine = kCosine + kFolded * kPaddedBins;
  static constexpr std::size_t kConv1 = kSine + kFolded * kPaddedBins;
  static constexpr std::size_t kConv2 = kConv1 + 3 * kBins * 128;
  static constexpr std::size_t kConv3 = kConv2 + 3 * 128 * 64;
  static constexpr std::size_t kConv4 = kConv3 + 2 * 64 * 64;  // its first tap only ever meets padding
  static constexpr std::size_t kLstm = kConv4 + 64 * 128;      // outer taps likewise
  static constexpr std::size_t kHead = kLstm + 2 * kHidden * 4 * kHidden;
  static constexpr std::size_t kBias1 = kHead + kHidden;
  static constexpr std::size_t kBias2 = kBias1 + 128;
  static constexpr std::size_t kBias3 = kBias2 + 64;
  static constexpr std::size_t kBias4 = kBias3 + 64;
  static constexpr std::size_t kLstmBias = kBias4 + 128;
  static constexpr std::size_t kHeadBias = kLstmBias + 4 * kHidden;
  static constexpr std::size_t kFloats = kHeadBias + kLane;
};

// One step: `input` is context, frame and mirror (640 samples), `hidden` and `cell` (128 each) are read and replaced.
// `weights` is aligned to 64 bytes. Returns the probability of speech.
using Step = float (*)(const float* weights, const float* input, float* hidden, float* cell);

// The fastest step that this processor can run, and the one that every processor can.
Step fastest_step() noexcept;
Step baseline_step() noexcept;

}  // namespace parley::silero
