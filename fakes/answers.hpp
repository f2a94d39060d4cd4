// Sentences to answer with and sentences to have heard, drawn by number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::fakes {

// An answer of one to four sentences; the same for the same draw.
std::string answer_text(std::uint64_t draw);

// The words of something a caller may have said; the same for the same draw.
std::vector<std::string_view> heard_words(std::uint64_t draw);

// A number for a place in a sequence, spread over 64 bits.
std::uint64_t draw_of(std::uint64_t seed, std::uint64_t a, std::uint64_t b = 0) noexcept;

}  // namespace parley::fakes
