// From one sample rate to another, as a stream.
#pragma once

#include <cstdint>
#include <memory>
#include <parley/base/result.hpp>
#include <parley/base/time.hpp>
#include <vector>

#include "audio/samples.hpp"

struct soxr;

namespace parley {

// Changes the rate of a mono stream with soxr, set for speech and low delay: 85 % of the narrower band is kept flat
// (6.8 kHz at 16 kHz), and what comes out runs behind what went in by at most 11 ms (28 ms from 8 kHz up). Samples
// keep their places: the n-th second of the input is the n-th second of the output, it only becomes available later.
// Silence stays digital silence (no dither).
//
// Thread: the owner's only.
// Bound:  one call takes at most kMaxInput samples; inside, a few blocks of soxr's (tens of kB).
class Resampler {
 public:
  static constexpr std::size_t kMaxInput = 1 << 20;

  // Rates from 8 to 96 kHz. Equal rates pass samples through unchanged and without delay.
  static Result<Resampler> create(int from_rate, int to_rate);

  // Takes all of `in` and appends what is ready to `out`.
  void process(Samples in, std::vector<std::int16_t>& out);

  // The stream ends: appends the rest to `out` (all in all to/from samples for each one put in, rounded) and is ready
  // for another stream.
  void flush(std::vector<std::int16_t>& out);

  // Forgets the stream; what was not given out is dropped.
  void reset();

  // How much of what was put in has not come out yet.
  Duration pending() const noexcept;

  int from_rate() const noexcept { return from_; }
  int to_rate() const noexcept { return to_; }

 private:
  struct Destroy {
    void operator()(soxr* stream) const noexcept;
  };
  Resampler(int from_rate, int to_rate, soxr* stream);
  void run(const std::int16_t* in, std::size_t count, std::vector<std::int16_t>& out);

  int from_;
  int to_;
  std::unique_ptr<soxr, Destroy> stream_;  // null: equal rates
  std::uint64_t taken_ = 0;                // samples in
  std::uint64_t given_ = 0;                // samples out
};

// A whole piece of sound at another rate. Blocks for about 1 ms per second of sound.
Result<std::vector<std::int16_t>> resample(Samples in, int from_rate, int to_rate);

}  // namespace parley
