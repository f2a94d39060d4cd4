// What time: "half past seven", "7:30 pm", "quarter to eight", "nineteen thirty", "noon".
#include <charconv>

#include <fmt/format.h>

#include "providers/scripted/numbers.hpp"
#include "providers/scripted/slots.hpp"

namespace parley::scripted {
namespace {

using std::chrono::minutes;

constexpr int kHour = 60;
constexpr int kDay = 24 * kHour;

enum class Half { unknown, morning, afternoon };

// A time as it was said, before it is known which half of the day is meant.
struct Clock {
  int hour;
  int minute;
  std::size_t end;
  bool sure;
};

std::optional<Clock> clock(int hour, int minute, std::size_t end, bool sure) {
  if (hour < 0 || hour > 24 || minute < 0 || minute >= kHour || hour * kHour + minute > kDay) return std::nullopt;
  return Clock{hour, minute, end, sure};
}

std::optional<int> hour_at(const Words& words, std::size_t at, std::size_t& end) {
  auto number = cardinal_at(words, at);
  if (!number && is_any(words, at, {"ate"})) number = SpokenNumber{8, 1};
  if (is_any(words, at, {"noon", "midday"})) number = SpokenNumber{12, 1};
  if (is_any(words, at, {"midnight"})) number = SpokenNumber{24, 1};
  if (!number || number->value > 24) return std::nullopt;
  end = at + number->words;
  return number->value;
}

// "7:30", "19:30".
std::optional<Clock> with_colon(const Words& words, std::size_t at) {
  const std::string& word = words[at].text;
  const auto colon = word.find(':');
  if (colon == std::string::npos) return std::nullopt;
  int hour = -1;
  int minute = -1;
  std::from_chars(word.data(), word.data() + colon, hour);
  const auto [stopped, error] = std::from_chars(word.data() + colon + 1, word.data() + word.size(), minute);
  if (error != std::errc() || stopped != word.data() + word.size()) return std::nullopt;
  return clock(hour, minute, at + 1, true);
}

// "half past seven", "half seven", "a quarter to eight", "twenty past six", "ten minutes to nine".
std::optional<Clock> relative(const Words& words, std::size_t at) {
  std::size_t next = at + (is_any(words, at, {"a"}) ? 1 : 0);
  int minute = 0;
  const bool half = is_any(words, next, {"half"});
  const bool quarter = is_any(words, next, {"quarter"});
  if (half || quarter) {
    minute = half ? 30 : 15;
    ++next;
  } else if (const auto number = cardinal_at(words, next); number && number->value > 0 && number->value < kHour) {
    minute = number->value;
    next += number->words + (is_any(words, next + number->words, {"minutes", "minute"}) ? 1 : 0);
  } else {
    return std::nullopt;
  }
  const bool past = is_any(words, next, {"past", "passed", "pass", "after"});
  const bool to = is_any(words, next, {"to", "till", "before", "two", "of"}) && !half;
  if (!past && !to && !half) return std::nullopt;
  if (past || to) ++next;
  std::size_t end = 0;
  const auto hour = hour_at(words, next, end);
  if (!hour || (*hour == 0 && to)) return std::nullopt;
  // "five to seven" is a time, "five of seven" hardly ever.
  if (is_any(words, next - 1, {"of"}) && !quarter) return std::nullopt;
  return to ? clock(*hour - 1, kHour - minute, end, true) : clock(*hour, minute, end, true);
}

// Minutes after an hour: "thirty", "oh five", "30"; nothing that counts people or days.
std::optional<SpokenNumber> minutes_at(const Words& words, std::size_t at) {
  if (is_any(words, at, {"oh", "o", "zero"})) {
    const auto digit = digit_at(words, at + 1);
    return digit ? std::optional(SpokenNumber{*digit, 2}) : std::nullopt;
  }
  const auto number = cardinal_at(words, at);
  if (!number || number->value < 10 || number->value >= kHour) return std::nullopt;
  if (is_any(words, at + number->words, {"people", "persons", "guests", "of", "adults"})) return std::nullopt;
  return number;
}

// "1930", "730": digits of a clock without a colon.
std::optional<Clock> packed(const SpokenNumber& number, std::size_t end) {
  return number.value >= 100 && number.value <= 2400 ? clock(number.value / 100, number.value % 100, end, false)
                                                     : std::nullopt;
}

// "seven", "seven thirty", "nineteen hundred", "seven o'clock", "noon".
std::optional<Clock> plain(const Words& words, std::size_t at) {
  if (const auto number = cardinal_at(words, at); number && number->value >= 100)
    return packed(*number, at + number->words);
  std::size_t end = 0;
  const auto hour = hour_at(words, at, end);
  if (!hour) return std::nullopt;
  if (is_any(words, at, {"noon", "midday", "midnight"})) return clock(*hour, 0, end, true);
  if (is_any(words, end, {"oclock"})) return clock(*hour, 0, end + 1, true);
  if (const auto minute = minutes_at(words, end)) return clock(*hour, minute->value, end + minute->words, true);
  return clock(*hour, 0, end, false);
}

Half half_at(const Words& words, std::size_t& end) {
  const bool sharp = is_any(words, end, {"sharp", "ish"});
  const std::size_t at = end + (sharp ? 1 : 0);
  Half half = Half::unknown;
  std::size_t taken = 0;
  if (is_any(words, at, {"am"}) || follows(words, at, "in the morning")) half = Half::morning;
  if (is_any(words, at, {"pm", "tonight"}) || follows(words, at, "at night") || follows(words, at, "in the evening") ||
      follows(words, at, "in the afternoon")) {
    half = Half::afternoon;
  }
  // "tonight" is left for the day.
  if (half != Half::unknown && !is_any(words, at, {"tonight"}))
    taken = is_any(words, at, {"am", "pm"}) ? 1 : is_any(words, at, {"at"}) ? 2 : 3;
  if (taken > 0) end = at + taken;
  return half;
}

// What the rest of the sentence says about the half of the day.
Half half_of(const Words& words) {
  for (const Word& word : words) {
    for (const std::string_view evening : {"tonight", "evening", "dinner", "supper", "afternoon", "night"}) {
      if (word.text == evening) return Half::afternoon;
    }
    if (word.text == "morning" || word.text == "breakfast") return Half::morning;
  }
  return Half::unknown;
}

minutes resolved(const Clock& said, Half half, const TimeRange& range) {
  const minutes as_said{said.hour * kHour + said.minute};
  if (said.hour > 12 || said.hour == 0) return as_said == minutes(kDay) ? minutes(0) : as_said;
  const minutes morning{said.hour % 12 * kHour + said.minute};
  const minutes afternoon = morning + minutes(12 * kHour);
  if (half == Half::morning) return morning;
  if (half == Half::afternoon) return afternoon;
  return range.contains(morning) && !range.contains(afternoon) ? morning : afternoon;
}

bool is_announced(const Words& words, std::size_t at) {
  return at > 0 && is_any(words, at - 1, {"at", "around", "about", "by", "from", "until", "towards", "till", "time"});
}

bool counts_people(const Words& words, std::size_t at) {
  return is_any(words, at,
                {"people", "person", "persons", "guests", "adults", "days", "weeks", "friends", "kids", "children"}) ||
         follows(words, at, "of us");
}

enum class Need { sure, any };

std::optional<Found> find(const Words& words, const Taken& taken, std::size_t from, const TimeRange& range, Need need) {
  for (std::size_t at = from; at < words.size(); ++at) {
    for (const auto rule : {with_colon, relative, plain}) {
      const auto said = rule(words, at);
      if (!said) continue;
      std::size_t end = said->end;
      Half half = half_at(words, end);
      const bool sure = said->sure || half != Half::unknown || is_announced(words, at);
      const bool fits = (sure || need == Need::any) && !counts_people(words, end);
      if (!fits || !is_free(words, taken, at, end)) continue;
      if (half == Half::unknown) half = half_of(words);
      return Found{at, end, time_value(resolved(*said, half, range))};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Found> find_time(const Words& words, const Taken& taken, std::size_t from, const TimeRange& range) {
  return find(words, taken, from, range, Need::sure);
}

std::optional<Found> find_bare_time(const Words& words, const Taken& taken, std::size_t from, const TimeRange& range) {
  return find(words, taken, from, range, Need::any);
}

SlotValue time_value(minutes time) {
  const auto of_day = static_cast<int>(time.count()) % kDay;
  const int hour = of_day / kHour;
  const int minute = of_day % kHour;
  const auto name = [](int h) { return h % 24 == 0 ? std::string("midnight") : cardinal_words((h + 11) % 12 + 1); };
  std::string spoken;
  if (of_day == 12 * kHour) {
    spoken = "noon";
  } else if (minute == 0) {
    spoken = hour == 0 ? "midnight" : name(hour) + " o'clock";
  } else if (minute == 30) {
    spoken = "half past " + name(hour);
  } else if (minute == 15) {
    spoken = "a quarter past " + name(hour);
  } else if (minute == 45) {
    spoken = "a quarter to " + name(hour + 1);
  } else {
    spoken =
        fmt::format("{}{} {}", hour == 0 ? "twelve" : name(hour), minute < 10 ? " oh" : "", cardinal_words(minute));
  }
  return {minutes(of_day), spoken};
}

}  // namespace parley::scripted
