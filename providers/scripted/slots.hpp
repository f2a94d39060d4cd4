// Values that a dialogue asks for, found in what a caller said: day, time, people, name, telephone number.
//
// Pure: words and the local time of the call in, values out. A value is `sure` when the words around it say what it is
// ("for four", "at seven"); a bare one ("seven") counts only for the slot that was asked for.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include "providers/scripted/spoken_words.hpp"

namespace parley::scripted {

using LocalMinutes = std::chrono::local_time<std::chrono::minutes>;

enum class SlotType { day, time, people, name, phone, choice, text };

struct SlotValue {
  // people · time of day · day · everything else
  std::variant<int, std::chrono::minutes, std::chrono::year_month_day, std::string> value;
  std::string spoken;  // for an answer: "four people", "half past seven", "on Friday, the fifth of June"

  bool operator==(const SlotValue&) const = default;
};

// For a tool: 4 · "19:30" · "2026-06-05" · "Anna Smith".
boost::json::value to_json(const SlotValue& value);

// A value and the words it was made of.
struct Found {
  std::size_t begin;
  std::size_t end;
  SlotValue value;
};

// How to read a time without "am" or "pm": the hour that lies within, else in the afternoon.
struct TimeRange {
  std::chrono::minutes from{0};
  std::chrono::minutes to{24 * 60};

  bool contains(std::chrono::minutes time) const { return time >= from && time <= to; }
};

// Which words already belong to a value: no word counts twice.
using Taken = std::vector<bool>;

// The first value of each kind among the free words at or after `from`.
// `for_counts`: "for seven" alone is seven people, not a time.
std::optional<Found> find_people(const Words& words, const Taken& taken, std::size_t from, bool for_counts);
std::optional<Found> find_time(const Words& words, const Taken& taken, std::size_t from, const TimeRange& range);
std::optional<Found> find_day(const Words& words, const Taken& taken, std::size_t from, LocalMinutes now);
std::optional<Found> find_name(const Words& words, const Taken& taken, std::size_t from);
std::optional<Found> find_phone(const Words& words, const Taken& taken, std::size_t from);

// The same for the answer to a question for it.
std::optional<Found> find_bare_people(const Words& words, const Taken& taken, std::size_t from);
std::optional<Found> find_bare_time(const Words& words, const Taken& taken, std::size_t from, const TimeRange& range);
std::optional<Found> find_bare_day(const Words& words, const Taken& taken, std::size_t from, LocalMinutes now);
std::optional<Found> find_bare_name(const Words& words, const Taken& taken, std::size_t from);
std::optional<Found> find_bare_phone(const Words& words, const Taken& taken, std::size_t from);

SlotValue people_value(int count);
SlotValue time_value(std::chrono::minutes time);
SlotValue day_value(std::chrono::year_month_day day, LocalMinutes now);

// Shared by the finders.
bool is_free(const Words& words, const Taken& taken, std::size_t begin, std::size_t end);
bool is_any(const Words& words, std::size_t at, std::initializer_list<std::string_view> choices);

}  // namespace parley::scripted
