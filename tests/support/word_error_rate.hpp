// How well a recogniser did: words wrong, missing and too many, per word of the reference.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace parley::test {

// Lower-case words without punctuation; numbers are spelled out ("4" and "four" are one word, "162" is "one hundred sixty
// two"), contractions too ("you're", "don't"), "&" is "and", "#" is "pound", other apostrophes vanish.
std::vector<std::string> normalised_words(std::string_view text);

struct WordErrors {
  std::size_t words = 0;  // of the reference
  std::size_t substitutions = 0;
  std::size_t deletions = 0;
  std::size_t insertions = 0;

  std::size_t total() const { return substitutions + deletions + insertions; }
  // 0 is perfect; more than 1 where more was inserted than said. A reference without words: 0 or 1.
  double rate() const;
  WordErrors& operator+=(const WordErrors& other);
};

// The least errors that turn `reference` into `hypothesis`, both normalised first. Two words written as one, or one as two
// ("log in", "login"), are no error.
WordErrors word_errors(std::string_view reference, std::string_view hypothesis);

}  // namespace parley::test
