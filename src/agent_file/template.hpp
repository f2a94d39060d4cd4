// A text with variables: "Hello {{metadata.name | default: "there"}}".
//
// {{name}} is a variable, {{name | default: "x"}} one that may be absent, {{"x"}} a text as it is (so {{"{{"}} is two braces).
// Single quotes do as well: in a YAML text in double quotes they must.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/result.hpp>

namespace parley::agent_file {

// How the value of a variable is written: it comes from a call, and becomes part of something that it must not change.
enum class Encoding {
  none,
  part_of_url,     // of an address or a path: all but letters, digits and "-._~" is percent-encoded
  part_of_target,  // of a tel: or sip: target: all but letters, digits and "+-._"
};

struct Piece {
  std::string text{};      // without a variable
  std::string variable{};  // its name; empty: none
  std::optional<std::string> otherwise{};
  Encoding encoding = Encoding::none;
};

// Pure. A value is never looked at again: what looks like a variable in it is text.
class Template {
 public:
  // Nothing: there is no such variable, or it is empty.
  using Lookup = std::function<std::optional<std::string>(const std::string& variable)>;

  // The error says what is wrong in `text`, without its place.
  static Result<Template> parse(std::string_view text);

  const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  std::vector<Piece>& pieces() noexcept { return pieces_; }
  bool has_variables() const noexcept;
  // What parse() makes the same template of.
  std::string to_text() const;
  // Names that `lookup` does not know, and that have no default, are added to `missing`, each once.
  std::string fill(const Lookup& lookup, std::vector<std::string>& missing) const;
  // The variables that `lookup` knows become texts; the others stay, and keep their defaults.
  void fill_known(const Lookup& lookup);

 private:
  std::vector<Piece> pieces_;
};

}  // namespace parley::agent_file
