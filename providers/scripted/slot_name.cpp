// Whose name: "my name is Anna Smith", "under Smith", "S M I T H".
#include <algorithm>

#include "providers/scripted/slots.hpp"

namespace parley::scripted {
namespace {

constexpr std::size_t kMostNames = 4;
constexpr std::size_t kMostNameBytes = 60;

constexpr std::initializer_list<std::string_view> kSure = {
    "my name is",        "the name is",    "my names",       "the names",
    "under the name of", "under the name", "in the name of", "name of",
    "name is",           "under name",     "under",          "call me"};
constexpr std::initializer_list<std::string_view> kWhenAsked = {"this is", "it is",   "its", "i am", "im",
                                                                "thats",   "that is", "for", "put",  "name"};

// Words that end a name, and those that no name begins with.
bool is_no_name(const Words& words, std::size_t at) {
  return is_any(
      words, at,
      {"and",   "for",    "at",     "on",     "please",  "tomorrow", "today",    "tonight", "thanks", "thank", "you",
       "with",  "my",     "phone",  "number", "the",     "a",        "an",       "is",      "it",     "its",   "i",
       "im",    "to",     "of",     "in",     "yes",     "no",       "yeah",     "sure",    "ok",     "okay",  "what",
       "how",   "when",   "where",  "why",    "who",     "which",    "do",       "does",    "can",    "could", "would",
       "not",   "dont",   "know",   "want",   "need",    "are",      "we",       "be",      "have",   "sorry", "that",
       "thats", "this",   "people", "table",  "instead", "but",      "actually", "just",    "well",   "so",    "name",
       "say",   "repeat", "again",  "help",   "bye",     "goodbye",  "hello",    "hi",      "one",    "would", "will"});
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

// Letters that were spelled become one name.
std::optional<Found> spelled(const Words& words, std::size_t at) {
  std::size_t end = at;
  std::string name;
  while (end < words.size() && words[end].text.size() == 1 && words[end].text[0] >= 'a' && words[end].text[0] <= 'z') {
    name += words[end++].text;
  }
  if (name.size() < 2) return std::nullopt;
  return Found{at, end, {capitalised(name), capitalised(name)}};
}

std::optional<Found> name_at(const Words& words, std::size_t at) {
  if (auto letters = spelled(words, at)) return letters;
  std::string name;
  std::size_t end = at;
  while (end < words.size() && end - at < kMostNames && !is_no_name(words, end)) {
    if (words[end].text.find_first_of("0123456789") != std::string::npos) break;
    name += (name.empty() ? "" : " ") + capitalised(words[end++].spoken);
  }
  if (name.empty() || name.size() > kMostNameBytes) return std::nullopt;
  return Found{at, end, {name, name}};
}

std::size_t words_in(std::string_view phrase) { return static_cast<std::size_t>(std::ranges::count(phrase, ' ')) + 1; }

std::optional<Found> after(const Words& words, const Taken& taken, std::size_t from,
                           std::initializer_list<std::string_view> phrases) {
  for (std::size_t at = from; at < words.size(); ++at) {
    for (const auto phrase : phrases) {
      if (!follows(words, at, phrase)) continue;
      auto name = name_at(words, at + words_in(phrase));
      if (!name || !is_free(words, taken, at, name->end)) continue;
      name->begin = at;
      return name;
    }
  }
  return std::nullopt;
}

bool is_of_calendar(const Words& words, std::size_t at) {
  return is_any(words, at, {"monday",    "tuesday",  "wednesday", "thursday", "friday",    "saturday", "sunday",
                            "january",   "february", "march",     "april",    "june",      "july",     "august",
                            "september", "october",  "november",  "december", "christmas", "boxing",   "valentines",
                            "new",       "noon",     "lunch",     "dinner"});
}

// "for Smith": the capital tells it from "for dinner", as far as the recogniser writes capitals.
std::optional<Found> after_for(const Words& words, const Taken& taken, std::size_t from) {
  for (std::size_t at = from; at + 1 < words.size(); ++at) {
    const std::string& spoken = words[at + 1].spoken;
    if (!is_any(words, at, {"for"}) || spoken[0] < 'A' || spoken[0] > 'Z' || is_of_calendar(words, at + 1)) continue;
    auto name = name_at(words, at + 1);
    if (!name || !is_free(words, taken, at, name->end)) continue;
    name->begin = at;
    return name;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Found> find_name(const Words& words, const Taken& taken, std::size_t from) {
  if (auto name = after(words, taken, from, kSure)) return name;
  return after_for(words, taken, from);
}

std::optional<Found> find_bare_name(const Words& words, const Taken& taken, std::size_t from) {
  if (auto name = after(words, taken, from, kSure)) return name;
  if (auto name = after(words, taken, from, kWhenAsked)) return name;
  // Nothing but the name, perhaps with "please" and the like around it.
  std::size_t first = from;
  while (first < words.size() &&
         is_any(words, first, {"yes", "yeah", "sure", "ok", "okay", "well", "so", "no", "sorry", "the"}))
    ++first;
  auto name = name_at(words, first);
  if (!name || !is_free(words, taken, first, name->end)) return std::nullopt;
  const bool nothing_else =
      std::ranges::all_of(words.begin() + static_cast<std::ptrdiff_t>(name->end), words.end(), [](const Word& word) {
        return word.text == "please" || word.text == "thanks" || word.text == "thank" || word.text == "you";
      });
  return nothing_else ? name : std::nullopt;
}

}  // namespace parley::scripted
