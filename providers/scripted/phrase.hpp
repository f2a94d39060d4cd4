// What a caller may say for an intent: a few words that must all occur.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

#include "providers/scripted/spoken_words.hpp"

namespace parley::scripted {

// "what|which time|times open|close": terms separated by spaces, all of which must occur, in any order and with anything
// between them. A term is one of several words (a|b|c); a_b is two words next to each other; -a must not occur. A phrase
// that begins with = fits only when nothing else was said. A plural of a word fits it, and a word of six letters or more
// may have one letter wrong, as recognisers do.
class Phrase {
 public:
  static constexpr std::size_t kMaxBytes = 400;

  // An error says what is wrong with the text.
  static Result<Phrase> parse(std::string_view text);

  // How well it fits: 0 not at all, otherwise the number of words that it accounts for, and a fraction for how much of what
  // was said they are.
  double score(const Words& words) const;

 private:
  struct Term {
    std::vector<std::string> choices;  // "a b" for a_b
    bool forbidden = false;
  };

  std::vector<Term> terms_;
  bool alone_ = false;
};

}  // namespace parley::scripted
