// Small counts for `make test`, full ones for `make soak` and `make sim` (PARLEY_COUNTS=full).
#pragma once

#include <cstdlib>
#include <string_view>

namespace parley::test {

inline bool full_counts() {
  const char* counts = std::getenv("PARLEY_COUNTS");
  return counts && std::string_view(counts) == "full";
}

template <class T>
T count_of(T small, T full) {
  return full_counts() ? full : small;
}

// Of a scenario's randomness: another one each time that somebody sets PARLEY_SEED.
inline unsigned long long seed_of(unsigned long long usual) {
  const char* seed = std::getenv("PARLEY_SEED");
  return seed ? std::strtoull(seed, nullptr, 10) : usual;
}

}  // namespace parley::test
