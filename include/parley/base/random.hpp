// Randomness that is passed in: one seed, one run.
#pragma once

#include <cstdint>

namespace parley {

// xoshiro256**, seeded by splitmix64. Not for keys or tokens: those come from OpenSSL.
//
// Thread: the owner's only.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit Random(std::uint64_t seed) noexcept;

  // From the kernel (getrandom), for processes that serve real calls.
  static Random from_system();

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return ~result_type{0}; }
  result_type operator()() noexcept;

  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;
  // Uniform in [0, 1).
  double unit() noexcept;
  bool chance(double probability) noexcept { return unit() < probability; }

 private:
  std::uint64_t s_[4];
};

}  // namespace parley
