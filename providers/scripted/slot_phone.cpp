// A telephone number: "five five five oh one double zero", "+1 555 0100".
#include <algorithm>

#include "providers/scripted/numbers.hpp"
#include "providers/scripted/slots.hpp"

namespace parley::scripted {
namespace {

constexpr std::size_t kLeastDigits = 5;  // of the answer to the question
constexpr std::size_t kLeastUnasked = 7;
constexpr std::size_t kMostDigits = 15;  // E.164

bool all_digits(const std::string& word) {
  return !word.empty() && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

// Appends the digits at `at` and returns how many words they took, 0 for none.
std::size_t append_digits(const Words& words, std::size_t at, std::string& digits) {
  if (at >= words.size()) return 0;
  if (all_digits(words[at].text)) {
    digits += words[at].text;
    return 1;
  }
  if (is_any(words, at, {"double", "triple"})) {
    const auto digit = digit_at(words, at + 1);
    if (!digit) return 0;
    digits.append(words[at].text == "double" ? 2 : 3, static_cast<char>('0' + *digit));
    return 2;
  }
  if (is_any(words, at, {"hundred"}) && !digits.empty()) {
    digits += "00";
    return 1;
  }
  if (const auto digit = digit_at(words, at)) {
    digits += static_cast<char>('0' + *digit);
    return 1;
  }
  const auto number = cardinal_at(words, at);
  if (!number || number->value < 10 || number->value > 99) return 0;
  digits += std::to_string(number->value);
  return number->words;
}

// Groups of three are easier to follow than a long row.
std::string spoken_digits(const std::string& digits) {
  std::string spoken;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0) spoken += i % 3 == 0 && digits.size() - i > 1 ? ", " : " ";
    spoken += digits[i];
  }
  return spoken;
}

std::optional<Found> find(const Words& words, const Taken& taken, std::size_t from, std::size_t least) {
  for (std::size_t at = from; at < words.size(); ++at) {
    const bool plus = is_any(words, at, {"plus"});
    std::string digits;
    std::size_t end = at + (plus ? 1 : 0);
    while (const std::size_t count = append_digits(words, end, digits)) end += count;
    if (digits.size() < least || digits.size() > kMostDigits || !is_free(words, taken, at, end)) continue;
    return Found{at, end, {(plus ? "+" : "") + digits, spoken_digits(digits)}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Found> find_phone(const Words& words, const Taken& taken, std::size_t from) {
  return find(words, taken, from, kLeastUnasked);
}

std::optional<Found> find_bare_phone(const Words& words, const Taken& taken, std::size_t from) {
  return find(words, taken, from, kLeastDigits);
}

}  // namespace parley::scripted
