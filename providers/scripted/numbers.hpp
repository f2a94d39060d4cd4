// Numbers as people say them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "providers/scripted/spoken_words.hpp"

namespace parley::scripted {

struct SpokenNumber {
  int value;
  std::size_t words;  // how many it took
};

// "four", "twenty five", "a hundred and twenty", "12": up to 9999. Homophones ("to", "for", "ate") only when asked for:
// who does so must know from the words around that a number stands here.
enum class Homophones { no, yes };
std::optional<SpokenNumber> cardinal_at(const Words& words, std::size_t at, Homophones homophones = Homophones::no);

// "fifth", "twenty first", "21st": 1 to 31.
std::optional<SpokenNumber> ordinal_at(const Words& words, std::size_t at);

// One digit of a telephone number: "five", "oh", "5".
std::optional<int> digit_at(const Words& words, std::size_t at);

std::string cardinal_words(int value);  // 0 to 9999
std::string ordinal_words(int value);   // 1 to 31

}  // namespace parley::scripted
