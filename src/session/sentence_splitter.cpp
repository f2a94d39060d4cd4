#include "session/sentence_splitter.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace parley {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_blank(char c) noexcept { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) noexcept { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) noexcept { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_lower(char c) noexcept { return std::islower(static_cast<unsigned char>(c)) != 0; }

// Never the last word of a sentence, or so rarely that waiting for the next sentence costs less than a wrong break.
constexpr std::array<std::string_view, 24> kTitles = {"mr",  "mrs", "ms",   "dr",  "prof", "sr",  "jr", "st",
                                                      "no",  "vs",  "mt",   "ft",  "gen",  "sen", "rep", "capt",
                                                      "lt",  "col", "e.g",  "i.e", "cf",   "al",  "approx", "fig"};

std::string_view last_word(std::string_view text) noexcept {
  auto begin = text.size();
  while (begin > 0 && !is_blank(text[begin - 1])) --begin;
  return text.substr(begin);
}

std::string lowered(std::string_view word) {
  std::string out(word);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// `before`: the sentence up to, not with, its full stop.
bool is_abbreviation(std::string_view before) {
  auto word = last_word(before);
  while (!word.empty() && (word.front() == '(' || word.front() == '"' || word.front() == '\'')) word.remove_prefix(1);
  if (word.size() == 1 && is_letter(word.front()) && word != "I") return true;  // an initial
  return std::ranges::find(kTitles, lowered(word)) != kTitles.end();
}

// "7 p.m." or "the U.S.": ends a sentence only before a capital letter.
bool has_inner_stop(std::string_view before) noexcept { return last_word(before).find('.') != npos; }

// The length of a closing quote or bracket at the front.
std::size_t closer(std::string_view text) noexcept {
  if (text.empty()) return 0;
  if (text.front() == '"' || text.front() == '\'' || text.front() == ')' || text.front() == ']') return 1;
  for (const std::string_view quote : {"\u201d", "\u2019", "\u00bb"}) {
    if (text.starts_with(quote)) return quote.size();
  }
  return 0;
}

// The length of a sentence's last mark at the front: 0 if there is none.
std::size_t terminator(std::string_view text) noexcept {
  if (text.front() == '.' || text.front() == '!' || text.front() == '?') return 1;
  for (const std::string_view mark : {"\u3002", "\uff01", "\uff1f", "\u2026"}) {
    if (text.starts_with(mark)) return mark.size();
  }
  return 0;
}

bool is_wide(std::string_view mark) noexcept { return mark == "\u3002" || mark == "\uff01" || mark == "\uff1f"; }

std::string trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

// Where to break a sentence that is too long: after a clause if one ends in its second half, else at a blank.
std::size_t forced_break(std::string_view text) noexcept {
  const auto head = text.substr(0, SentenceSplitter::kMaxSentence);
  for (const std::string_view marks : {";:,", " \n\t"}) {
    const auto at = head.find_last_of(marks);
    if (at != npos && at >= head.size() / 2) return at + 1;
  }
  auto at = head.size();
  while (at > 1 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;  // not inside a character
  return at;
}

}  // namespace

std::size_t SentenceSplitter::find_end() const {
  const std::string_view text = rest_;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && !trimmed(text.substr(0, i)).empty()) return i + 1;
    auto mark = terminator(text.substr(i));
    if (mark == 0) continue;
    const auto first = i;
    const bool stop_alone = text[i] == '.';
    auto end = i;
    bool wide = false;
    for (; end < text.size() && (mark = terminator(text.substr(end))) > 0; end += mark) {
      wide = is_wide(text.substr(end, mark));
    }
    const bool ellipsis = end - first > 1 && text.substr(first, end - first).find_first_not_of('.') == npos;
    while (const auto length = closer(text.substr(end))) end += length;
    i = end - 1;
    if (wide) return end;
    auto next = end;
    while (next < text.size() && is_blank(text[next])) ++next;
    if (next == text.size()) return npos;  // what follows decides
    if (next == end) continue;             // "3.5", "a.b", "?!x"
    if (text.substr(end, next - end).find('\n') == npos) {
      if (end < kMinSentence) continue;
      const auto before = text.substr(0, first);
      if (stop_alone && !ellipsis && is_abbreviation(before)) continue;
      if (stop_alone && has_inner_stop(before) && !std::isupper(static_cast<unsigned char>(text[next]))) continue;
      if ((ellipsis || !stop_alone) && is_lower(text[next])) continue;
      const auto head = trimmed(before);
      const bool list_number = stop_alone && !head.empty() && std::ranges::all_of(head, is_digit);
      if (list_number) continue;
    }
    return end;
  }
  return npos;
}

std::vector<std::string> SentenceSplitter::push(std::string_view text) {
  std::vector<std::string> sentences;
  rest_ += text;
  for (;;) {
    auto end = find_end();
    if (end == npos && rest_.size() > kMaxSentence) end = forced_break(rest_);
    if (end == npos) return sentences;
    if (end > kMaxSentence) end = forced_break(rest_);
    if (auto sentence = trimmed(std::string_view(rest_).substr(0, end)); !sentence.empty()) {
      sentences.push_back(std::move(sentence));
    }
    rest_.erase(0, end);
  }
}

std::optional<std::string> SentenceSplitter::finish() {
  auto sentence = trimmed(rest_);
  rest_.clear();
  if (sentence.empty()) return std::nullopt;
  return sentence;
}

}  // namespace parley
