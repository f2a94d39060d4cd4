#include <parley/base/units.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace parley {
namespace {

constexpr double kMostSeconds = 100.0 * 366 * 24 * 3600;  // a hundred years: fits into a Duration
constexpr double kMostBytes = 9007199254740992.0;         // 2^53: every whole number up to it is a double

struct Unit {
  std::string_view name;
  double value;
};
constexpr Unit kDurations[] = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
constexpr Unit kSizes[] = {{"B", 1},
                           {"kB", 1e3},
                           {"KB", 1e3},
                           {"MB", 1e6},
                           {"GB", 1e9},
                           {"TB", 1e12},
                           {"KiB", 1024.0},
                           {"MiB", 1024.0 * 1024},
                           {"GiB", 1024.0 * 1048576},
                           {"TiB", 1048576.0 * 1048576}};

struct Measure {
  double number = -1;
  std::string_view unit;
};

// Digits, perhaps with a point between them, and what follows.
Measure split(std::string_view text) {
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto digits = text.substr(0, end);
  Measure result{.unit = text.substr(end)};
  double number = 0;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::fixed);
  if (error == std::errc() && stop == digits.data() + digits.size() && !digits.empty()) result.number = number;
  while (result.unit.starts_with(' ')) result.unit.remove_prefix(1);
  return result;
}

template <std::size_t N>
const Unit* find(const Unit (&units)[N], std::string_view name) {
  const auto* found = std::ranges::find(units, name, &Unit::name);
  return found == std::end(units) ? nullptr : found;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMostShown = 40;
  return text.size() <= kMostShown ? fmt::format("\"{}\"", text) : fmt::format("\"{}...\"", text.substr(0, kMostShown));
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  const auto [number, unit] = split(text);
  if (number >= 0 && unit.empty()) {
    return fail(Errc::invalid_argument,
                fmt::format("expected a duration, found {}: give it a unit, as {}ms", shown(text), text.substr(0, 20)));
  }
  const auto* known = find(kDurations, unit);
  if (number < 0 || !known || !(number * known->value <= kMostSeconds)) {
    return fail(Errc::invalid_argument,
                fmt::format("expected a duration like 200ms, 1.5s, 10m, 1h or 7d, found {}", shown(text)));
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(number * known->value));
}

std::string to_text(Duration duration) {
  const auto ms = std::chrono::round<std::chrono::milliseconds>(duration).count();
  constexpr std::pair<std::int64_t, const char*> kSteps[] = {
      {86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};
  for (const auto& [step, unit] : kSteps) {
    if (ms != 0 && ms % step == 0 && (step != 60000 || ms >= 2 * step)) return fmt::format("{}{}", ms / step, unit);
  }
  return ms == 0 ? "0s" : fmt::format("{}ms", ms);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto [number, unit] = split(text);
  const auto* known = find(kSizes, unit);
  if (number < 0 || !known || !(number * known->value <= kMostBytes)) {
    return fail(Errc::invalid_argument, fmt::format("expected a size like 500MB or 1GB, found {}", shown(text)));
  }
  return static_cast<std::uint64_t>(std::llround(number * known->value));
}

}  // namespace parley
