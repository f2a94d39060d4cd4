// What a recogniser heard, as words that can be compared.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace parley::scripted {

inline constexpr std::size_t kMaxSpokenWords = 200;  // of one turn; the rest is not looked at

struct Word {
  std::string text;    // small letters without apostrophes; digits and "7:30" as they are
  std::string spoken;  // as it was heard: "O'Brien"
};
using Words = std::vector<Word>;

// Any bytes in. Punctuation goes, hyphens separate, "7pm" is two words, "p.m." is "pm", "o'clock" is "oclock"; fillers
// ("um") are left out. UTF-8 letters beyond ASCII stay as they are.
Words spoken_words(std::string_view text);

// True if the words from `at` on begin with `phrase` (small words separated by spaces).
bool follows(const Words& words, std::size_t at, std::string_view phrase);

// The position of `phrase` at or after `from`; npos if it is not there.
std::size_t find_phrase(const Words& words, std::string_view phrase, std::size_t from = 0);

inline constexpr std::size_t npos = static_cast<std::size_t>(-1);

}  // namespace parley::scripted
