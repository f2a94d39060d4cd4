#include "providers/scripted/spoken_words.hpp"

#include <algorithm>
#include <array>

namespace parley::scripted {
namespace {

constexpr std::size_t kMaxWordBytes = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }
char small(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_filler(std::string_view word) {
  constexpr std::array<std::string_view, 12> kFillers = {"um", "umm", "uh",  "uhh", "er",  "erm",
                                                         "eh", "hm",  "hmm", "mm",  "mmm", "ah"};
  return std::ranges::find(kFillers, word) != kFillers.end();
}

// What digits go on after: a digit, or the colon of "7:30".
bool joins(char c) { return is_digit(c) || c == ':'; }

// The apostrophe's length at `at`: 1 for ', 3 for the curly one, 0 for none.
std::size_t apostrophe(std::string_view text, std::size_t at) {
  if (text[at] == '\'') return 1;
  return text.substr(at, 3) == "\xE2\x80\x99" ? 3 : 0;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  Words run() {
    while (at_ < text_.size() && words_.size() < kMaxSpokenWords) step();
    finish();
    join_letters();
    return std::move(words_);
  }

 private:
  void step() {
    const char c = text_[at_];
    if (const std::size_t mark = apostrophe(text_, at_); mark > 0) {
      if (!word_.text.empty()) word_.spoken += '\'';
      at_ += mark;
      return;
    }
    if (text_.substr(at_, 2) == "\xE2\x80") {  // dashes, quotation marks, the ellipsis
      finish();
      at_ += 3;
      return;
    }
    if (c == '&') {
      finish();
      word_ = {"and", "and"};
      finish();
    } else if (is_digit(c) || is_letter(c)) {
      const bool ordinal = is_letter(c) && ends_in_digit() && is_ordinal_ending();
      if (!word_.text.empty() && !ordinal && joins(word_.text.back()) != is_digit(c)) finish();
      add(c);
    } else if (joins_digits(c)) {
      if (c == ':') add(c);  // 7:30 stays whole; 7.30 becomes it; 1,200 loses the comma
      if (c == '.') add(':');
    } else {
      finish();
    }
    ++at_;
  }

  void add(char c) {
    if (word_.text.size() >= kMaxWordBytes) return;
    word_.text += small(c);
    word_.spoken += c;
  }

  bool ends_in_digit() const { return !word_.text.empty() && is_digit(word_.text.back()); }

  // "5th": at its t.
  bool is_ordinal_ending() const {
    const auto rest = text_.substr(at_, 2);
    const bool ends = at_ + 2 >= text_.size() || !is_letter(text_[at_ + 2]);
    return ends && (rest == "st" || rest == "nd" || rest == "rd" || rest == "th");
  }

  bool joins_digits(char c) const {
    return (c == ':' || c == '.' || c == ',') && ends_in_digit() && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]);
  }

  void finish() {
    if (!word_.text.empty() && !is_filler(word_.text)) words_.push_back(std::move(word_));
    word_ = {};
  }

  // "p m" is "pm".
  void join_letters() {
    for (std::size_t i = 0; i + 1 < words_.size(); ++i) {
      if ((words_[i].text != "p" && words_[i].text != "a") || words_[i + 1].text != "m") continue;
      words_[i].text += 'm';
      words_[i].spoken += words_[i + 1].spoken;
      words_.erase(words_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  Word word_;
  Words words_;
};

}  // namespace

Words spoken_words(std::string_view text) { return Splitter(text).run(); }

bool follows(const Words& words, std::size_t at, std::string_view phrase) {
  while (!phrase.empty()) {
    const auto word = phrase.substr(0, phrase.find(' '));
    if (at >= words.size() || words[at].text != word) return false;
    phrase.remove_prefix(std::min(word.size() + 1, phrase.size()));
    ++at;
  }
  return true;
}

std::size_t find_phrase(const Words& words, std::string_view phrase, std::size_t from) {
  for (std::size_t at = from; at < words.size(); ++at) {
    if (follows(words, at, phrase)) return at;
  }
  return npos;
}

}  // namespace parley::scripted
