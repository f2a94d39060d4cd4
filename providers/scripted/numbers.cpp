#include "providers/scripted/numbers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace parley::scripted {
namespace {

constexpr int kMost = 9999;

constexpr std::array<std::string_view, 20> kSmall = {
    "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
    "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                    "fifty", "sixty", "seventy", "eighty", "ninety"};
constexpr std::array<std::string_view, 20> kOrdinals = {
    "",           "first",     "second",    "third",       "fourth",     "fifth",     "sixth",
    "seventh",    "eighth",    "ninth",     "tenth",       "eleventh",   "twelfth",   "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
constexpr std::pair<std::string_view, int> kHomophones[] = {{"to", 2},  {"too", 2}, {"for", 4}, {"fore", 4},
                                                            {"ate", 8}, {"won", 1}, {"tree", 3}};

template <class Table>
std::optional<int> index_in(const Table& table, std::string_view word) {
  const auto found = std::ranges::find(table, word);
  if (word.empty() || found == std::end(table)) return std::nullopt;
  return static_cast<int>(found - std::begin(table));
}

// A whole number in digits; `ending` may follow them ("5th").
std::optional<int> digits(std::string_view word, bool ending) {
  int value = 0;
  const auto* end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, value);
  if (error != std::errc() || value < 0 || value > kMost) return std::nullopt;
  return (end - stopped == (ending ? 2 : 0)) ? std::optional(value) : std::nullopt;
}

std::string_view word_at(const Words& words, std::size_t at) {
  return at < words.size() ? std::string_view(words[at].text) : std::string_view();
}

// 1 to 99 in words.
std::optional<SpokenNumber> below_hundred(const Words& words, std::size_t at) {
  const auto word = word_at(words, at);
  if (const auto tens = index_in(kTens, word)) {
    const auto ones = index_in(kSmall, word_at(words, at + 1));
    if (ones && *ones > 0 && *ones < 10) return SpokenNumber{*tens * 10 + *ones, 2};
    return SpokenNumber{*tens * 10, 1};
  }
  if (const auto small = index_in(kSmall, word)) return SpokenNumber{*small, 1};
  return std::nullopt;
}

}  // namespace

std::optional<SpokenNumber> cardinal_at(const Words& words, std::size_t at, Homophones homophones) {
  const auto word = word_at(words, at);
  if (const auto value = digits(word, false)) return SpokenNumber{*value, 1};
  if (homophones == Homophones::yes) {
    const auto* sound = std::ranges::find(kHomophones, word, &std::pair<std::string_view, int>::first);
    if (sound != std::end(kHomophones)) return SpokenNumber{sound->second, 1};
  }
  const bool a_hundred = word == "a" && word_at(words, at + 1) == "hundred";
  auto number = a_hundred ? SpokenNumber{1, 1} : below_hundred(words, at);
  if (!number || word_at(words, at + number->words) != "hundred" || number->value == 0) return number;
  number->value *= 100;
  ++number->words;
  const std::size_t joint = word_at(words, at + number->words) == "and" ? 1 : 0;
  if (const auto rest = below_hundred(words, at + number->words + joint)) {
    number->value += rest->value;
    number->words += joint + rest->words;
  }
  return number->value <= kMost ? number : std::nullopt;
}

std::optional<SpokenNumber> ordinal_at(const Words& words, std::size_t at) {
  const auto word = word_at(words, at);
  const auto valid = [](int value, std::size_t count) -> std::optional<SpokenNumber> {
    if (value < 1 || value > 31) return std::nullopt;
    return SpokenNumber{value, count};
  };
  if (const auto value = digits(word, true)) return valid(*value, 1);
  if (const auto value = index_in(kOrdinals, word)) return valid(*value, 1);
  if (word == "twentieth") return valid(20, 1);
  if (word == "thirtieth") return valid(30, 1);
  const auto tens = index_in(kTens, word);
  const auto ones = index_in(kOrdinals, word_at(words, at + 1));
  return tens && ones && *ones < 10 ? valid(*tens * 10 + *ones, 2) : std::nullopt;
}

std::optional<int> digit_at(const Words& words, std::size_t at) {
  const auto word = word_at(words, at);
  if (word == "oh" || word == "o") return 0;
  const auto value = index_in(kSmall, word);
  if (value && *value < 10) return value;
  return word.size() == 1 ? digits(word, false) : std::nullopt;
}

std::string cardinal_words(int value) {
  if (value >= 1000) {
    const int rest = value % 1000;
    return cardinal_words(value / 1000) + " thousand" + (rest == 0 ? "" : " " + cardinal_words(rest));
  }
  if (value >= 100) {
    const int rest = value % 100;
    return cardinal_words(value / 100) + " hundred" + (rest == 0 ? "" : " and " + cardinal_words(rest));
  }
  if (value < 20) return std::string(kSmall[static_cast<std::size_t>(std::max(value, 0))]);
  const auto tens = std::string(kTens[static_cast<std::size_t>(value / 10)]);
  return value % 10 == 0 ? tens : tens + "-" + cardinal_words(value % 10);
}

std::string ordinal_words(int value) {
  if (value < 20) return std::string(kOrdinals[static_cast<std::size_t>(std::max(value, 1))]);
  if (value == 20) return "twentieth";
  if (value == 30) return "thirtieth";
  return std::string(kTens[static_cast<std::size_t>(std::min(value, 39) / 10)]) + "-" + ordinal_words(value % 10);
}

}  // namespace parley::scripted
