// How many: "for four", "a party of six", "just me", "two adults and three children".
#include <algorithm>

#include <fmt/format.h>

#include "providers/scripted/numbers.hpp"
#include "providers/scripted/slots.hpp"

namespace parley::scripted {
namespace {

constexpr int kMostPeople = 500;

bool is_person(const Words& words, std::size_t at) {
  if (follows(words, at, "of us") || follows(words, at, "of them")) return true;
  return is_any(words, at,
                {"people", "person", "persons", "peoples", "guests", "guest", "adults", "adult", "diners", "seats",
                 "pax", "friends", "children", "kids", "child", "covers", "altogether"}) ||
         follows(words, at, "in total");
}

// After a number: words that make a time of it.
bool is_of_time(const Words& words, std::size_t at) {
  if (is_any(words, at, {"oclock", "am", "pm", "hours", "past", "minutes", "days", "weeks", "nights"})) return true;
  if (follows(words, at, "in the") || is_any(words, at,
                                             {"january", "february", "march", "april", "june", "july", "august",
                                              "september", "october", "november", "december"})) {
    return true;
  }
  const auto minutes = cardinal_at(words, at);
  return minutes && minutes->value >= 10 && minutes->value < 60 && !is_person(words, at + minutes->words);
}

std::optional<Found> found(std::size_t begin, std::size_t end, int count) {
  if (count < 1 || count > kMostPeople) return std::nullopt;
  return Found{begin, end, people_value(count)};
}

// "four people", "two adults and three children", "for people" (four).
std::optional<Found> counted(const Words& words, std::size_t at) {
  const auto number = cardinal_at(words, at, Homophones::yes);
  if (!number || !is_person(words, at + number->words)) return std::nullopt;
  int sum = number->value;
  std::size_t end = at + number->words + 1;
  if (is_any(words, end, {"us", "them", "total"})) ++end;
  while (is_any(words, end, {"and", "plus"})) {
    const auto more = cardinal_at(words, end + 1);
    if (!more || !is_person(words, end + 1 + more->words)) break;
    sum += more->value;
    end += 2 + more->words;
  }
  return found(at, end, sum);
}

// "for four", "party of six", "table four two" (for two), "we are five".
std::optional<Found> introduced(const Words& words, std::size_t at, bool for_counts) {
  static constexpr std::initializer_list<std::string_view> kTable = {
      "table", "tables", "party", "group", "reservation", "booking", "room", "space", "family"};
  const bool after_table = at > 0 && is_any(words, at - 1, kTable);
  const bool of = after_table && is_any(words, at, {"of"});
  const bool for_number =
      is_any(words, at, {"for", "fore"}) || (after_table && is_any(words, at, {"four", "4", "to", "off"}));
  const bool count = follows(words, at, "we are") || follows(words, at, "there are") || follows(words, at, "will be") ||
                     follows(words, at, "well be") || follows(words, at, "theres");
  if ((!of && !for_number && !count) || (!for_counts && !after_table && !count)) return std::nullopt;
  const std::size_t skip = count && !is_any(words, at, {"theres"}) ? 2 : 1;
  const std::size_t about = is_any(words, at + skip, {"about", "around", "probably", "just", "only"}) ? 1 : 0;
  const std::size_t first = at + skip + about;
  const auto number = cardinal_at(words, first, after_table ? Homophones::yes : Homophones::no);
  if (!number || is_of_time(words, first + number->words) || is_person(words, first + number->words))
    return std::nullopt;
  return found(at, first + number->words, number->value);
}

// "just me", "me and my wife", "my husband and I", "me and two friends", "a couple".
std::optional<Found> named(const Words& words, std::size_t at) {
  if (follows(words, at, "half a dozen")) return found(at, at + 3, 6);
  if (follows(words, at, "a dozen")) return found(at, at + 2, 12);
  if (follows(words, at, "a couple")) return found(at, at + 2, 2);
  if (follows(words, at, "both of us")) return found(at, at + 3, 2);
  if (follows(words, at, "me and my") || follows(words, at, "me and a") || follows(words, at, "me plus one"))
    return found(at, at + 4, 2);
  if (follows(words, at, "me and")) {
    if (const auto others = cardinal_at(words, at + 2)) return found(at, at + 2 + others->words, others->value + 1);
  }
  if (is_any(words, at, {"my"}) && is_any(words, at + 2, {"and"}) && is_any(words, at + 3, {"i", "me", "myself"})) {
    return found(at, at + 4, 2);
  }
  if (is_any(words, at, {"just", "only"}) && is_any(words, at + 1, {"me", "myself"}) &&
      !follows(words, at + 2, "and")) {
    return found(at, at + 2, 1);
  }
  if (follows(words, at, "by myself") || follows(words, at, "for myself") || follows(words, at, "me alone"))
    return found(at, at + 2, 1);
  if (follows(words, at, "on my own")) return found(at, at + 3, 1);
  return std::nullopt;
}

}  // namespace

bool is_free(const Words& words, const Taken& taken, std::size_t begin, std::size_t end) {
  if (end > words.size()) return false;
  return std::none_of(taken.begin() + static_cast<std::ptrdiff_t>(begin),
                      taken.begin() + static_cast<std::ptrdiff_t>(end), [](bool one) { return one; });
}

bool is_any(const Words& words, std::size_t at, std::initializer_list<std::string_view> choices) {
  return at < words.size() && std::ranges::find(choices, std::string_view(words[at].text)) != choices.end();
}

std::optional<Found> find_people(const Words& words, const Taken& taken, std::size_t from, bool for_counts) {
  for (std::size_t at = from; at < words.size(); ++at) {
    for (const auto& one : {counted(words, at), introduced(words, at, for_counts), named(words, at)}) {
      if (one && is_free(words, taken, one->begin, one->end)) return one;
    }
  }
  return std::nullopt;
}

std::optional<Found> find_bare_people(const Words& words, const Taken& taken, std::size_t from) {
  constexpr std::size_t kFewWords = 2;
  const auto homophones = words.size() <= kFewWords ? Homophones::yes : Homophones::no;
  for (std::size_t at = from; at < words.size(); ++at) {
    const auto number = cardinal_at(words, at, homophones);
    if (!number || !is_free(words, taken, at, at + number->words) || is_of_time(words, at + number->words)) continue;
    if (auto one = found(at, at + number->words, number->value)) return one;
  }
  return std::nullopt;
}

SlotValue people_value(int count) {
  return {count, count == 1 ? "one person" : fmt::format("{} people", cardinal_words(count))};
}

}  // namespace parley::scripted
