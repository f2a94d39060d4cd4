// Arithmetic on samples: conversion, gain, level.
#pragma once

#include <cstdint>
#include <span>

namespace parley {

using Samples = std::span<const std::int16_t>;
using MutableSamples = std::span<std::int16_t>;

// 16-bit samples as floats in [-1, 1), and back with rounding; out of range saturates, not-a-number becomes silence.
// Both spans have the same size.
void to_float(Samples in, std::span<float> out) noexcept;
void to_s16(std::span<const float> in, MutableSamples out) noexcept;
std::int16_t to_s16(float sample) noexcept;

// 20 dB is a factor of ten.
float gain_from_db(float db) noexcept;
void apply_gain(MutableSamples samples, float gain) noexcept;

// Multiplies by a gain that moves evenly from `from` (first sample) to `to` (just after the last).
void apply_ramp(MutableSamples samples, float from, float to) noexcept;

// out += in * gain, saturating. Both spans have the same size.
void mix_into(MutableSamples out, Samples in, float gain) noexcept;

// dBov (RFC 6464 section 3): RMS relative to a square wave at full scale. 0 at most; kSilenceDbov for digital silence.
inline constexpr float kSilenceDbov = -127.0F;
float level_dbov(Samples samples) noexcept;

// The same as RFC 6464 carries it: 0 (loudest) to 127 (silence).
std::uint8_t audio_level(Samples samples) noexcept;

}  // namespace parley
