// The name that somebody may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace parley {

// The one of `names` that takes the fewest typing mistakes (a wrong, missing, extra or swapped letter; case does not count)
// to become `written`; empty if all are too far from it. The first of equals.
//
// Bound: what is longer than kMaxNearestName is near to nothing.
constexpr std::size_t kMaxNearestName = 64;  // bytes
std::string nearest(std::string_view written, std::span<const std::string> names);

}  // namespace parley
