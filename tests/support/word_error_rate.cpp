#include "support/word_error_rate.hpp"

#include <algorithm>
#include <array>

namespace parley::test {
namespace {

constexpr std::array<std::string_view, 20> kSmall = {
    "zero", "one",    "two",    "three",    "four",     "five",    "six",     "seven",     "eight",    "nine",
    "ten",  "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                    "fifty", "sixty", "seventy", "eighty", "ninety"};

void spell(std::size_t number, std::vector<std::string>& words) {
  const auto part = [&](std::size_t unit, std::string_view name) {
    if (number < unit) return;
    spell(number / unit, words);
    words.emplace_back(name);
    number %= unit;
  };
  const bool zero = number == 0;
  part(1000, "thousand");
  part(100, "hundred");
  if (number >= 20) {
    words.emplace_back(kTens[number / 10]);
    number %= 10;
  }
  if (number > 0 || zero) words.emplace_back(kSmall[number]);
}

// Long digit strings are telephone numbers and codes: digit by digit.
void spell_digits(std::string_view digits, std::vector<std::string>& words) {
  constexpr std::size_t kLongestNumber = 4;
  if (digits.size() <= kLongestNumber && (digits.size() == 1 || digits.front() != '0')) {
    std::size_t number = 0;
    for (const char c : digits) number = number * 10 + static_cast<std::size_t>(c - '0');
    spell(number, words);
  } else {
    for (const char c : digits) spell(static_cast<std::size_t>(c - '0'), words);
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

// "'re" and its like at the front of `text`: what they stand for, and their length.
struct Contraction {
  std::string_view written;
  std::string_view meant;
};
constexpr Contraction kContractions[] = {{"'re", " are"}, {"'m", " am"}, {"'ll", " will"}, {"'ve", " have"}};

// Curly apostrophes become straight, letters small.
std::string simplified(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool curly = text.substr(i, 3) == "\xE2\x80\x99";
    const char c = text[i];
    plain += curly ? '\'' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    i += curly ? 2 : 0;
  }
  return plain;
}

std::string expanded(std::string text) {
  for (std::size_t at = text.find('\''); at != std::string::npos; at = text.find('\'', at)) {
    const auto rest = std::string_view(text).substr(at);
    const auto known =
        std::ranges::find_if(kContractions, [&](const Contraction& one) { return rest.starts_with(one.written); });
    if (rest.starts_with("'t") && at > 0 && text[at - 1] == 'n') {
      text.replace(at - 1, 3, " not");
    } else if (known != std::end(kContractions)) {
      text.replace(at, known->written.size(), known->meant);
    } else {
      text.erase(at, 1);
    }
  }
  return text;
}

struct Cell {
  std::size_t cost = 0;
  WordErrors errors;
};

Cell after(Cell cell, std::size_t WordErrors::* kind) {
  ++cell.cost;
  ++(cell.errors.*kind);
  return cell;
}

}  // namespace

std::vector<std::string> normalised_words(std::string_view text) {
  const std::string full = expanded(simplified(text));
  std::string plain;
  for (std::size_t i = 0; i < full.size(); ++i) {
    const char c = full[i];
    const char last = plain.empty() ? ' ' : plain.back();
    if (c == '&') {
      plain += " and ";
    } else if (c == '#') {
      plain += " pound ";
    } else if (is_letter(c) || is_digit(c)) {
      if ((is_letter(c) && is_digit(last)) || (is_digit(c) && is_letter(last))) plain += ' ';
      plain += c;
    } else if (c != ',' || i + 1 == full.size() || !is_digit(full[i + 1])) {
      plain += ' ';
    }
  }
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < plain.size();) {
    const std::size_t end = std::min(plain.find(' ', begin), plain.size());
    const auto word = std::string_view(plain).substr(begin, end - begin);
    if (!word.empty() && is_digit(word.front())) {
      spell_digits(word, words);
    } else if (!word.empty()) {
      words.emplace_back(word == "ok" ? "okay" : word);
    }
    begin = end + 1;
  }
  return words;
}

double WordErrors::rate() const {
  if (words == 0) return insertions == 0 ? 0.0 : 1.0;
  return static_cast<double>(total()) / static_cast<double>(words);
}

WordErrors& WordErrors::operator+=(const WordErrors& other) {
  words += other.words;
  substitutions += other.substitutions;
  deletions += other.deletions;
  insertions += other.insertions;
  return *this;
}

WordErrors word_errors(std::string_view reference, std::string_view hypothesis) {
  const auto said = normalised_words(reference);
  const auto heard = normalised_words(hypothesis);
  std::vector<std::vector<Cell>> table(said.size() + 1, std::vector<Cell>(heard.size() + 1));
  for (std::size_t i = 0; i <= said.size(); ++i) {
    for (std::size_t j = 0; j <= heard.size(); ++j) {
      if (i == 0 && j == 0) continue;
      Cell best{said.size() + heard.size() + 1, {}};
      const auto consider = [&](const Cell& cell) {
        if (cell.cost < best.cost) best = cell;
      };
      if (i > 0 && j > 0) {
        const Cell& both = table[i - 1][j - 1];
        consider(said[i - 1] == heard[j - 1] ? both : after(both, &WordErrors::substitutions));
      }
      if (i > 0) consider(after(table[i - 1][j], &WordErrors::deletions));
      if (j > 0) consider(after(table[i][j - 1], &WordErrors::insertions));
      if (i > 1 && j > 0 && said[i - 2] + said[i - 1] == heard[j - 1]) consider(table[i - 2][j - 1]);
      if (i > 0 && j > 1 && said[i - 1] == heard[j - 2] + heard[j - 1]) consider(table[i - 1][j - 2]);
      table[i][j] = best;
    }
  }
  WordErrors errors = table.back().back().errors;
  errors.words = said.size();
  return errors;
}

}  // namespace parley::test
