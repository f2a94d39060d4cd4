// Text as a synthesiser can say it: plain English letters, digits and punctuation.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parley {

// Any bytes in, printable ASCII out. Accents are dropped, typographic signs become their plain forms, currencies and a few
// symbols become words; what has no sound here (emoji, markup, other scripts, broken UTF-8) becomes a space. Words are cut
// after kMaxWord letters. The result is empty when nothing in it can be said.
std::string speakable_text(std::string_view utf8);

inline constexpr std::size_t kMaxWord = 40;

// Cuts speakable text into pieces of at most `most` bytes: at the end of a sentence, else at other punctuation, else at a
// space. A text that is short enough stays whole, so that its melody does.
std::vector<std::string_view> speakable_pieces(std::string_view text, std::size_t most);

}  // namespace parley
