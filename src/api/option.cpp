#include <parley/option.hpp>

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/json/serialize.hpp>
#include <boost/url/parse.hpp>

#include <parley/base/units.hpp>
#include <parley/base/utf8.hpp>

#include "base/nearest.hpp"

namespace parley {

namespace json = boost::json;
using Type = Option::Type;

namespace {

constexpr std::size_t kMostShown = 40;  // bytes of what was found

std::string described(const json::value& value, const Option& option) {
  if (value.is_null()) return "nothing";
  if (value.is_array()) return "a list";
  if (value.is_object()) return "a mapping";
  if (const auto* text = value.if_string()) {
    if (option.secret) return "a text";
    const std::string shown = valid_utf8(std::string(text->subview(0, kMostShown)));
    return text->size() <= kMostShown ? fmt::format("\"{}\"", shown) : fmt::format("\"{}...\"", shown);
  }
  if (const auto* number = value.if_double()) return fmt::format("the number {}", *number);
  return value.is_bool() ? json::serialize(value) : "the number " + json::serialize(value);
}

std::string measured(const Option& option, double bound) {
  return option.type == Type::duration
             ? to_text(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(bound)))
             : fmt::format("{}", bound);
}

// " from 1 to 5", " of at least 1": of what can be counted.
std::string range(const Option& option) {
  if (option.minimum && option.maximum)
    return fmt::format(" from {} to {}", measured(option, *option.minimum), measured(option, *option.maximum));
  if (option.minimum) return fmt::format(" of at least {}", measured(option, *option.minimum));
  if (option.maximum) return fmt::format(" of at most {}", measured(option, *option.maximum));
  return {};
}

bool in_range(const Option& option, double value) {
  return !(option.minimum && value < *option.minimum) && !(option.maximum && value > *option.maximum);
}

std::vector<std::string> schemes_of(const Option& option) {
  return option.one_of.empty() ? std::vector<std::string>{"http", "https"} : option.one_of;
}

std::string what(const Option& option) {
  const bool text = option.type == Type::text || option.type == Type::line || option.type == Type::name;
  if (text && !option.one_of.empty())
    return fmt::format("{}", fmt::join(option.one_of, option.one_of.size() == 2 ? " or " : ", "));
  switch (option.type) {
    case Type::text: return option.minimum.value_or(0) > 0 ? "a text that is not empty" : "a text";
    case Type::line:
      return option.minimum.value_or(0) > 0 ? "a text on one line that is not empty" : "a text on one line";
    case Type::name: return "a name of letters, digits, '_' and '-' (at most 64)";
    case Type::boolean: return "on or off";
    case Type::integer: return "a whole number" + range(option);
    case Type::number: return "a number" + range(option);
    case Type::duration: return "a duration" + range(option);
    case Type::size: return "a size like 500MB or 1GB";
    case Type::uri:
      return fmt::format("an address that begins with {}", option.one_of.empty()
                                                               ? "http:// or https://"
                                                               : fmt::format("{}:", fmt::join(option.one_of, ": or ")));
    case Type::path: return "the path of a file";
    case Type::texts: return "a list of texts";
    case Type::any: return "a value";
  }
  return "a value";
}

bool is_line(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_name(std::string_view text) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !text.empty() && text.size() <= 64 && text.find_first_not_of(kLetters) == std::string_view::npos;
}

bool is_uri(const Option& option, std::string_view text) {
  const auto schemes = schemes_of(option);
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed) return false;
  const bool known =
      std::ranges::any_of(schemes, [&](const auto& scheme) { return scheme == std::string_view(parsed->scheme()); });
  const bool has_place = option.one_of.empty() ? !parsed->host().empty() : text.size() > parsed->scheme().size() + 1;
  return known && has_place;
}

// The sentence of a text that is wrong in itself; empty: it is not.
std::string wrong_text(const Option& option, std::string_view text) {
  const auto expected = [&] {
    return fmt::format("expected {}, found {}", what(option), described(json::value(json::string(text)), option));
  };
  if (text.size() > Option::kMaxText)
    return fmt::format("expected a text of at most {} bytes, found {}", Option::kMaxText, text.size());
  if (option.type != Type::text && !is_line(text))
    return fmt::format("expected {}, found one with line breaks or control characters", what(option));
  if (option.type == Type::name && !is_name(text)) return expected();
  if (option.type == Type::path && text.empty()) return expected();
  if (option.type == Type::uri) return is_uri(option, text) ? std::string() : expected();
  if (option.type == Type::texts) return {};
  if (!in_range(option, static_cast<double>(text.size()))) {
    return text.empty() ? expected()
                        : fmt::format("expected a text of {} bytes, found {}", range(option).substr(1), text.size());
  }
  return {};
}

std::string not_one_of(const Option& option, std::string_view text) {
  const auto near = nearest(text, option.one_of);
  std::string sentence =
      fmt::format("expected {}, found {}", what(option), described(json::value(json::string(text)), option));
  return near.empty() ? sentence : sentence + fmt::format("; did you mean \"{}\"?", near);
}

std::optional<std::string> mistake_in_text(const Option& option, const json::value& value) {
  const auto* text = value.if_string();
  if (!text) {
    const bool needs_quotes = value.is_bool() || value.is_number();
    return fmt::format("expected {}, found {}{}", what(option), described(value, option),
                       needs_quotes ? ": put it in quotes" : "");
  }
  if (auto wrong = wrong_text(option, *text); !wrong.empty()) return wrong;
  if (option.type != Type::uri && !option.one_of.empty() &&
      std::ranges::find(option.one_of, std::string_view(*text)) == option.one_of.end()) {
    return not_one_of(option, *text);
  }
  return std::nullopt;
}

std::optional<std::string> mistake_in_texts(const Option& option, const json::value& value) {
  const auto* array = value.if_array();
  if (!array) return fmt::format("expected {}, found {}", what(option), described(value, option));
  const double most = option.maximum.value_or(static_cast<double>(Option::kMaxTexts));
  if (static_cast<double>(array->size()) < option.minimum.value_or(0) || static_cast<double>(array->size()) > most) {
    return fmt::format("expected a list of {} to {} texts, found {}", option.minimum.value_or(0), most, array->size());
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    Option one = option;
    one.type = Type::line;
    one.minimum = one.maximum = std::nullopt;
    if (auto wrong = mistake_in_text(one, (*array)[i])) return fmt::format("[{}]: {}", i, *wrong);
  }
  return std::nullopt;
}

std::optional<std::string> mistake_in_number(const Option& option, const json::value& value) {
  const bool is_whole = value.is_int64() || value.is_uint64();
  const bool fits = value.is_number() && (is_whole || option.type == Type::number);
  if (fits && in_range(option, value.to_number<double>())) return std::nullopt;
  return fmt::format("expected {}, found {}", what(option), described(value, option));
}

// "as 200ms": the smallest unit with which it is as it should be, or all there are.
std::string with_unit(const Option& option, const std::string& number) {
  for (const auto* unit : {"ms", "s", "m", "h", "d"}) {
    const auto duration = parse_duration(number + unit);
    if (duration && in_range(option, to_seconds(*duration))) return fmt::format("as {}{}", number, unit);
  }
  return "one of ms, s, m, h, d";
}

std::optional<std::string> mistake_in_duration(const Option& option, const json::value& value) {
  if (value.is_number()) {
    const auto number = value.is_double() ? fmt::format("{}", value.get_double()) : json::serialize(value);
    return fmt::format("expected {}, found {}: give it a unit, {}", what(option), number, with_unit(option, number));
  }
  const auto* text = value.if_string();
  if (!text) return fmt::format("expected {}, found {}", what(option), described(value, option));
  const bool is_number = !text->empty() && text->find_first_not_of("0123456789.") == json::string::npos;
  if (is_number && text->size() <= kMostShown)
    return fmt::format("expected {}, found \"{}\": give it a unit, {}", what(option), std::string_view(*text),
                       with_unit(option, std::string(*text)));
  const auto duration = parse_duration(std::string_view(*text));
  if (!duration) return duration.error().message();
  if (in_range(option, to_seconds(*duration))) return std::nullopt;
  return fmt::format("expected {}, found {}", what(option), std::string_view(*text));
}

std::optional<std::string> mistake_in_size(const Option& option, const json::value& value) {
  if (value.is_int64() ? value.get_int64() >= 0 : value.is_uint64()) return std::nullopt;
  const auto* text = value.if_string();
  if (!text) return fmt::format("expected {}, found {}", what(option), described(value, option));
  const auto size = parse_size(std::string_view(*text));
  return size ? std::nullopt : std::optional(size.error().message());
}

}  // namespace

std::optional<std::string> mistake_in(const Option& option, const json::value& value) {
  if (option.can_be_off && is_off(value)) return std::nullopt;
  const auto or_off = [&](std::optional<std::string> mistake) {
    const bool says_so = std::ranges::find(option.one_of, "off") != option.one_of.end();
    const auto comma = mistake && option.can_be_off && !says_so ? mistake->find(", found") : std::string::npos;
    if (comma != std::string::npos) mistake->insert(comma, ", or off");
    return mistake;
  };
  switch (option.type) {
    case Type::text:
    case Type::line:
    case Type::name:
    case Type::uri:
    case Type::path: return or_off(mistake_in_text(option, value));
    case Type::boolean:
      if (value.is_bool() || value == "on" || value == "off") return std::nullopt;
      return fmt::format("expected {}, found {}", what(option), described(value, option));
    case Type::integer:
    case Type::number: return or_off(mistake_in_number(option, value));
    case Type::duration: return or_off(mistake_in_duration(option, value));
    case Type::size: return or_off(mistake_in_size(option, value));
    case Type::texts: return or_off(mistake_in_texts(option, value));
    case Type::any: return std::nullopt;
  }
  return std::nullopt;
}

std::string expectation(const Option& option) { return what(option); }

bool is_off(const json::value& value) noexcept {
  if (value.is_null()) return true;
  if (const auto* flag = value.if_bool()) return !*flag;
  const auto* text = value.if_string();
  return text && *text == "off";
}

bool switch_option(const json::value& value) noexcept {
  if (const auto* flag = value.if_bool()) return *flag;
  const auto* text = value.if_string();
  return text && *text == "on";
}

Duration duration_option(const json::value& value) {
  const auto* text = value.if_string();
  return text ? parse_duration(std::string_view(*text)).value_or(Duration{}) : Duration{};
}

std::uint64_t size_option(const json::value& value) {
  if (const auto* number = value.if_int64()) return static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
  if (const auto* number = value.if_uint64()) return *number;
  const auto* text = value.if_string();
  return text ? parse_size(std::string_view(*text)).value_or(0) : 0;
}

std::string text_option(const json::value& value) {
  const auto* text = value.if_string();
  return text ? std::string(*text) : std::string();
}

std::string unknown_name(std::string_view what, std::string_view written, std::span<const std::string> known) {
  if (const auto near = nearest(written, known); !near.empty())
    return fmt::format("unknown {}; did you mean \"{}\"?", what, near);
  return known.empty() ? fmt::format("unknown {}; there is none", what)
                       : fmt::format("unknown {}; known are {}", what, fmt::join(known, ", "));
}

std::vector<OptionMistake> mistakes_in(std::span<const Option> options, const json::object& values) {
  std::vector<OptionMistake> mistakes;
  std::vector<std::string> names;
  for (const Option& option : options) names.push_back(option.name);
  for (const auto& [key, value] : values) {
    const auto option = std::ranges::find(options, std::string_view(key), &Option::name);
    if (option == options.end()) {
      mistakes.push_back({.option = std::string(key), .message = unknown_name("key", key, names)});
    } else if (auto wrong = mistake_in(*option, value)) {
      mistakes.push_back({.option = std::string(key), .message = std::move(*wrong)});
    }
  }
  for (const Option& option : options) {
    if (option.required && !values.contains(option.name))
      mistakes.push_back({.option = option.name, .message = fmt::format("missing: expected {}", what(option))});
  }
  return mistakes;
}

}  // namespace parley
