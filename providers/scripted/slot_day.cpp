// Which day: "tomorrow", "Friday", "the fifth of December", "in two weeks".
#include <array>

#include <fmt/format.h>

#include "providers/scripted/numbers.hpp"
#include "providers/scripted/slots.hpp"

namespace parley::scripted {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"january",   "february", "march",    "april",
                                                      "may",       "june",     "july",     "august",
                                                      "september", "october",  "november", "december"};

struct Feast {
  std::string_view phrase;
  unsigned month;
  unsigned day;
};
constexpr Feast kFeasts[] = {{"christmas eve", 12, 24}, {"christmas day", 12, 25}, {"christmas", 12, 25},
                             {"boxing day", 12, 26},    {"new years eve", 12, 31}, {"new years day", 1, 1},
                             {"valentines day", 2, 14}, {"valentines", 2, 14}};

struct Day {
  sys_days date;
  std::size_t end;
};

sys_days today_of(LocalMinutes now) { return sys_days(floor<days>(now).time_since_epoch()); }

std::size_t word_count(std::string_view phrase) {
  std::size_t count = 1;
  for (const char c : phrase) count += c == ' ' ? 1U : 0U;
  return count;
}

std::optional<unsigned> month_at(const Words& words, std::size_t at) {
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (is_any(words, at, {kMonths[i]})) return i + 1;
  }
  return std::nullopt;
}

// The next such date, this year or next.
std::optional<Day> in_month(unsigned month, int day, std::size_t end, sys_days today) {
  const year_month_day now{today};
  for (const auto year : {now.year(), now.year() + years(1)}) {
    const year_month_day date{year, std::chrono::month(month), std::chrono::day(static_cast<unsigned>(day))};
    if (date.ok() && sys_days(date) >= today) return Day{sys_days(date), end};
  }
  return std::nullopt;
}

std::optional<Day> relative(const Words& words, std::size_t at, sys_days today) {
  const auto phrase = [&](std::string_view text, int ahead) -> std::optional<Day> {
    if (!follows(words, at, text)) return std::nullopt;
    return Day{today + days(ahead), at + word_count(text)};
  };
  constexpr std::pair<std::string_view, int> kPhrases[] = {{"the day after tomorrow", 2},
                                                           {"day after tomorrow", 2},
                                                           {"tomorrow", 1},
                                                           {"to morrow", 1},
                                                           {"today", 0},
                                                           {"tonight", 0},
                                                           {"this evening", 0},
                                                           {"this afternoon", 0},
                                                           {"this morning", 0},
                                                           {"in a week", 7},
                                                           {"a week today", 7},
                                                           {"in a fortnight", 14}};
  for (const auto& [text, ahead] : kPhrases) {
    if (const auto day = phrase(text, ahead)) return day;
  }
  constexpr int kMostDays = 366;
  const auto count = is_any(words, at, {"in"}) ? cardinal_at(words, at + 1) : std::nullopt;
  if (!count || count->value == 0 || count->value > kMostDays) return std::nullopt;
  const std::size_t unit = at + 1 + count->words;
  if (is_any(words, unit, {"days", "day"})) return Day{today + days(count->value), unit + 1};
  if (is_any(words, unit, {"weeks", "week"})) return Day{today + days(7 * count->value), unit + 1};
  return std::nullopt;
}

std::optional<Day> feast(const Words& words, std::size_t at, sys_days today) {
  for (const Feast& one : kFeasts) {
    if (follows(words, at, one.phrase))
      return in_month(one.month, static_cast<int>(one.day), at + word_count(one.phrase), today);
  }
  return std::nullopt;
}

// "the fifth of December", "December fifth", "5 December", "December 5".
std::optional<Day> dated(const Words& words, std::size_t at, sys_days today) {
  const std::size_t first = at + (is_any(words, at, {"the"}) ? 1 : 0);
  auto number = ordinal_at(words, first);
  if (!number) number = cardinal_at(words, first);
  if (number && number->value >= 1 && number->value <= 31) {
    const std::size_t next = first + number->words + (is_any(words, first + number->words, {"of"}) ? 1 : 0);
    if (const auto month = month_at(words, next)) return in_month(*month, number->value, next + 1, today);
  }
  if (const auto month = month_at(words, at)) {
    const std::size_t next = at + 1 + (is_any(words, at + 1, {"the"}) ? 1 : 0);
    auto day = ordinal_at(words, next);
    if (!day) day = cardinal_at(words, next);
    if (day && day->value >= 1 && day->value <= 31) return in_month(*month, day->value, next + day->words, today);
  }
  return std::nullopt;
}

// The next day of any month with this number.
std::optional<Day> numbered(const SpokenNumber& number, std::size_t at, sys_days today) {
  constexpr int kMostMonths = 12;
  const year_month_day now{today};
  for (int ahead = 0; ahead <= kMostMonths; ++ahead) {
    const auto month = year_month{now.year(), now.month()} + months(ahead);
    const year_month_day date{month.year(), month.month(), day(static_cast<unsigned>(number.value))};
    if (date.ok() && sys_days(date) >= today) return Day{sys_days(date), at + number.words};
  }
  return std::nullopt;
}

// "the fifth", but not "the first floor" nor "the second one".
std::optional<Day> numbered_with_the(const Words& words, std::size_t at, sys_days today) {
  if (!is_any(words, at, {"the"})) return std::nullopt;
  const auto number = ordinal_at(words, at + 1);
  if (!number ||
      is_any(words, at + 1 + number->words, {"floor", "one", "time", "option", "thing", "question", "person"}))
    return std::nullopt;
  return numbered(*number, at + 1, today);
}

// "Friday", "next Friday": the coming one, never today; with its date behind it ("Friday the fifth"), that date.
std::optional<Day> weekday_at(const Words& words, std::size_t at, sys_days today) {
  const std::size_t first = at + (is_any(words, at, {"next", "this", "coming"}) ? 1 : 0);
  for (unsigned i = 0; i < kWeekdays.size(); ++i) {
    if (!is_any(words, first, {kWeekdays[i]})) continue;
    if (const auto date = dated(words, first + 1, today)) return date;
    if (const auto date = numbered_with_the(words, first + 1, today)) return date;
    const auto ahead = (weekday(i) - weekday(today)).count();
    return Day{today + days(ahead == 0 ? 7 : ahead), first + 1};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Found> find_day(const Words& words, const Taken& taken, std::size_t from, LocalMinutes now) {
  const sys_days today = today_of(now);
  for (std::size_t at = from; at < words.size(); ++at) {
    for (const auto rule : {relative, feast, weekday_at, dated, numbered_with_the}) {
      const auto day = rule(words, at, today);
      if (day && is_free(words, taken, at, day->end)) return Found{at, day->end, day_value(day->date, now)};
    }
  }
  return std::nullopt;
}

std::optional<Found> find_bare_day(const Words& words, const Taken& taken, std::size_t from, LocalMinutes now) {
  if (auto sure = find_day(words, taken, from, now)) return sure;
  constexpr std::pair<std::string_view, unsigned> kShort[] = {
      {"sun", 0}, {"mon", 1}, {"tue", 2}, {"tues", 2}, {"wed", 3}, {"thu", 4}, {"thurs", 4}, {"fri", 5}, {"sat", 6}};
  const sys_days today = today_of(now);
  for (std::size_t at = from; at < words.size(); ++at) {
    for (const auto& [name, index] : kShort) {
      if (!is_any(words, at, {name}) || !is_free(words, taken, at, at + 1)) continue;
      const auto ahead = (weekday(index) - weekday(today)).count();
      return Found{at, at + 1, day_value(today + days(ahead == 0 ? 7 : ahead), now)};
    }
    const auto number = ordinal_at(words, at);
    const bool of_a_clock = at > 0 && is_any(words, at - 1, {"a", "one", "just"});  // "one second"
    if (!number || of_a_clock || !is_free(words, taken, at, at + number->words)) continue;
    if (const auto day = numbered(*number, at, today)) return Found{at, day->end, day_value(day->date, now)};
  }
  return std::nullopt;
}

SlotValue day_value(year_month_day day, LocalMinutes now) {
  const auto capital = [](std::string_view name) {
    std::string text(name);
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
  };
  const auto ahead = (sys_days(day) - today_of(now)).count();
  if (ahead == 0) return {day, "today"};
  if (ahead == 1) return {day, "tomorrow"};
  return {day, fmt::format("on {}, the {} of {}", capital(kWeekdays[weekday(sys_days(day)).c_encoding()]),
                           ordinal_words(static_cast<int>(unsigned(day.day()))),
                           capital(kMonths[unsigned(day.month()) - 1]))};
}

}  // namespace parley::scripted
