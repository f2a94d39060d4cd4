#include "providers/moonshine/stutter.hpp"

#include <algorithm>
#include <vector>

namespace parley {
namespace {

constexpr std::size_t kMaxGroup = 3;  // words
constexpr std::string_view kBetween = " -";
constexpr std::string_view kMarks = ".,!?;:";

struct Word {
  std::size_t begin, end;  // of its letters: what stands between words, and marks behind them, is not part of it
};

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = text.find_first_not_of(kBetween); at != std::string_view::npos;) {
    const auto next = std::min(text.find_first_of(kBetween, at), text.size());
    const auto last = text.substr(at, next - at).find_last_not_of(kMarks);
    words.push_back({at, last == std::string_view::npos ? next : at + last + 1});
    at = text.find_first_not_of(kBetween, next);
  }
  return words;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view text, const Word& a, const Word& b) {
  const auto one = text.substr(a.begin, a.end - a.begin);
  const auto other = text.substr(b.begin, b.end - b.begin);
  return std::ranges::equal(one, other, {}, lower, lower);
}

// How many words at the end repeat the group of `size` words before them.
std::size_t repeated(std::string_view text, const std::vector<Word>& words, std::size_t size) {
  std::size_t count = 0;
  while (count + size < words.size() && same(text, words[words.size() - 1 - count], words[words.size() - 1 - count - size])) ++count;
  return count;
}

}  // namespace

std::string without_stutter(std::string_view text) {
  const auto words = words_of(text);
  for (std::size_t size = 1; size <= kMaxGroup; ++size) {
    const auto again = repeated(text, words, size) / size * size;
    if (again / size + 1 >= kStutter) return std::string(text.substr(0, words[words.size() - again - 1].end));
  }
  return std::string(text);
}

}  // namespace parley
