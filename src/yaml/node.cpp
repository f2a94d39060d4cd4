#include "yaml/node.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <parley/base/utf8.hpp>

namespace parley::yaml {

namespace json = boost::json;

namespace {

template <class Number>
std::optional<Number> whole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// As YAML 1.2 has them, but for octal and hexadecimal ones, which people do not write by intent: 0123 is a text here.
bool looks_like_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  return !text.empty() && text[0] >= '0' && text[0] <= '9' &&
         text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

}  // namespace

const Node& Node::operator[](std::string_view name) const noexcept {
  static const Node missing;
  const auto found = std::ranges::find(entries, name, &Node::key);
  return found == entries.end() ? missing : *found;
}

Node* Node::find(std::string_view name) noexcept {
  const auto found = std::ranges::find(entries, name, &Node::key);
  return found == entries.end() ? nullptr : &*found;
}

json::value plain_value(const std::string& text) {
  if (text.empty() || text == "null" || text == "~") return nullptr;
  if (text == "true" || text == "false") return text == "true";
  if (looks_like_number(text)) {
    if (const auto number = whole<std::int64_t>(text)) return *number;
    if (const auto number = whole<double>(text); number && std::isfinite(*number)) return *number;
  }
  return json::string(text);
}

json::value Node::to_json() const {
  switch (kind) {
    case Kind::missing:
    case Kind::null: return nullptr;
    case Kind::scalar: return style == Style::plain ? plain_value(text) : json::value(json::string(text));
    case Kind::list: {
      json::array array;
      for (const Node& item : items) array.push_back(item.to_json());
      return array;
    }
    case Kind::mapping: {
      json::object object;
      for (const Node& entry : entries) object[entry.key] = entry.to_json();
      return object;
    }
  }
  return nullptr;
}

Node Node::from_json(const json::value& value, Place at) {
  Node node{.place = at};
  if (value.is_null()) {
    node.kind = Kind::null;
  } else if (const auto* array = value.if_array()) {
    node.kind = Kind::list;
    for (const auto& item : *array) node.items.push_back(from_json(item, at));
  } else if (const auto* object = value.if_object()) {
    node.kind = Kind::mapping;
    for (const auto& [key, one] : *object) {
      auto& entry = node.entries.emplace_back(from_json(one, at));
      entry.key = key;
      entry.key_place = at;
    }
  } else {
    node.kind = Kind::scalar;
    const auto* text = value.if_string();
    node.style = text ? Style::quoted : Style::plain;
    node.text = text ? std::string(*text) : json::serialize(value);
  }
  return node;
}

std::string described(const Node& node) {
  constexpr std::size_t kMostShown = 40;
  if (node.is_list()) return "a list";
  if (node.is_mapping()) return "a mapping";
  if (!node.is_scalar()) return "nothing";
  if (!node.source.empty()) return fmt::format("what {} gives", node.source);
  if (node.style == Node::Style::plain) {
    const auto value = plain_value(node.text);
    if (value.is_number()) return fmt::format("the number {}", node.text);
    if (value.is_bool()) return node.text;
    if (value.is_null()) return "nothing";
  }
  return node.text.size() <= kMostShown ? fmt::format("\"{}\"", node.text)
                                        : fmt::format("\"{}...\"", valid_utf8(node.text.substr(0, kMostShown)));
}

}  // namespace parley::yaml
