// A recogniser that lost its way repeats itself: "when are you open-in-in-in-in".
#pragma once

#include <string>
#include <string_view>

namespace parley {

// The text with a tail that only repeats itself said once. A tail is a group of up to three words, joined by spaces or
// hyphens, that stands there kStutter times or more; people who say "no, no, no" stay as they are.
inline constexpr std::size_t kStutter = 4;
std::string without_stutter(std::string_view text);

}  // namespace parley
