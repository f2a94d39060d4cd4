// A YAML file as a tree of plain values that know where they stand.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include <parley/base/bytes.hpp>

#include "yaml/mistakes.hpp"

namespace parley::yaml {

// A value: nothing, a text, a list or a mapping. Copies are deep.
struct Node {
  enum class Kind { missing, null, scalar, list, mapping };
  enum class Style {
    plain,   // `5` is a number, `true` a truth value
    quoted,  // "5" is a text
  };

  Kind kind = Kind::missing;
  Style style = Style::plain;
  Place place{};
  std::string text{};           // of a scalar: UTF-8, as it stands there
  std::string source{};         // not empty: what stood there before variables were filled in
  std::vector<Node> items{};    // of a list
  std::vector<Node> entries{};  // of a mapping, in the order of the file; keys differ
  std::string key{};            // of an entry
  Place key_place{};

  explicit operator bool() const noexcept { return kind != Kind::missing; }
  bool is_null() const noexcept { return kind == Kind::null; }
  bool is_scalar() const noexcept { return kind == Kind::scalar; }
  bool is_list() const noexcept { return kind == Kind::list; }
  bool is_mapping() const noexcept { return kind == Kind::mapping; }

  // The value of a key; a node that is missing, if this has none (or is no mapping).
  const Node& operator[](std::string_view name) const noexcept;
  Node* find(std::string_view name) noexcept;

  // As YAML's core schema reads it: plain `null`, `true` and numbers are what they look like.
  boost::json::value to_json() const;
  // The other way; places are `at`. Texts stay texts.
  static Node from_json(const boost::json::value& value, Place at = {});
};

// What a scalar's text is without quotes.
boost::json::value plain_value(const std::string& text);

// "nothing", "a list", "a mapping", "\"text\"", "the number 5": for messages.
std::string described(const Node& node);

// Reads one document. What is no YAML, a key that stands twice in a mapping, a tag, an alias to itself and whatever exceeds
// the bounds is a mistake; nothing, if it is so bad that there is no tree.
//
// Bound: kMaxNodes of kMaxTreeBytes, aliases counted as what they stand for, nested kMaxDepth deep, kMaxKeys in a mapping.
constexpr std::size_t kMaxNodes = 50'000;
constexpr std::size_t kMaxTreeBytes = 4 * MiB;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxKeys = 1000;
std::optional<Node> parse(std::string_view text, Mistakes& mistakes);

}  // namespace parley::yaml
