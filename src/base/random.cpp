#include <parley/base/random.hpp>

#include <bit>
#include <stdexcept>

#include <sys/random.h>

namespace parley {

Random::Random(std::uint64_t seed) noexcept {
  for (auto& word : s_) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

Random Random::from_system() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) throw std::runtime_error("getrandom failed");
  return Random(seed);
}

Random::result_type Random::operator()() noexcept {
  const std::uint64_t result = std::rotl(s_[1] * 5, 7) * 9;
  const std::uint64_t t = s_[1] << 17;
  s_[2] ^= s_[0];
  s_[3] ^= s_[1];
  s_[1] ^= s_[2];
  s_[0] ^= s_[3];
  s_[2] ^= t;
  s_[3] = std::rotl(s_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  // The remainder's bias is below 2^-40 for every bound that is used here.
  return (*this)() % bound;
}

double Random::unit() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

}  // namespace parley
