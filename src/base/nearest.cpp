#include "base/nearest.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace parley {
namespace {

bool same(char a, char b) {
  const auto lower = [](char c) {
    return c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  };
  return lower(a) == lower(b);
}

// Damerau-Levenshtein (optimal string alignment): three rows of the table are enough.
std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kMaxNearestName + 1>;
  Row before{}, last{}, row{};
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0U : 1U)});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view written, std::span<const std::string> names) {
  if (written.empty() || written.size() > kMaxNearestName) return {};
  std::string_view best;
  std::size_t least = written.size() <= 3 ? 2 : 1 + written.size() / 3 + 1;  // fewer than these
  for (const std::string& name : names) {
    if (name.size() > kMaxNearestName) continue;
    const auto far = distance(written, name);
    if (far < least && far < std::max(written.size(), name.size())) {
      least = far;
      best = name;
    }
  }
  return std::string(best);
}

}  // namespace parley
