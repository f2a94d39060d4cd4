// What one key of a file or of a provider's options may be: said once, for checks, editors and defaults.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <parley/base/time.hpp>

namespace parley {

// {.name = "voice", .help = "Who speaks.", .otherwise = "slt", .one_of = {"slt", "rms"}}
struct Option {
  enum class Type {
    text,      // any
    line,      // a text on one line
    name,      // letters, digits, '_' and '-', at most 64
    boolean,   // true, false, on, off
    integer,
    number,
    duration,  // "200ms", "1.5s", "1h", "7d"
    size,      // of bytes: "500MB", or a whole number
    uri,       // "https://example.com/x"
    path,      // of a file or folder; in an agent file relative to the file's folder
    texts,     // a list of texts on one line
    any,       // any JSON
  };
  static constexpr std::size_t kMaxText = 64 * 1024;  // bytes
  static constexpr std::size_t kMaxTexts = 100;

  std::string name{};
  Type type = Type::text;
  std::string help{};                      // one or two sentences
  bool required = false;
  bool secret = false;                     // shown nowhere, and kept out of logs
  bool can_be_off = false;                 // `off`, `false` or `null`: none
  boost::json::value otherwise = nullptr;  // what counts where it is absent; null: nothing
  // Of numbers; of durations, in seconds; of a text, its bytes; of texts, how many.
  std::optional<double> minimum{};
  std::optional<double> maximum{};
  std::vector<std::string> one_of{};       // of texts: nothing else; of a uri: its schemes, http and https if there are none
};

// "expected a whole number from 1 to 5, found 7"; nothing, if `value` is as it should be. A secret is never quoted.
std::optional<std::string> mistake_in(const Option& option, const boost::json::value& value);

// "a whole number from 1 to 5"
std::string expectation(const Option& option);

// The values of options that have no mistakes.
bool is_off(const boost::json::value& value) noexcept;     // of those that can be off
bool switch_option(const boost::json::value& value) noexcept;  // boolean
Duration duration_option(const boost::json::value& value);     // duration
std::uint64_t size_option(const boost::json::value& value);    // size
std::string text_option(const boost::json::value& value);      // text, line, name, uri, path

struct OptionMistake {
  std::string option{};  // empty: it is about all of them together
  std::string message;
  std::string file{};    // not empty: the mistake is in this file, which the option names,
  int line = 0;          // here, counted from 1
  int column = 0;
};

// What is wrong with `values`: unknown options, absent ones, and those that are not as described.
std::vector<OptionMistake> mistakes_in(std::span<const Option> options, const boost::json::object& values);

// `unknown key; did you mean "timeout"?`, or without a near one `unknown key; known are a, b`.
std::string unknown_name(std::string_view what, std::string_view written, std::span<const std::string> known);

}  // namespace parley
