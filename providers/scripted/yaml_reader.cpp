#include "providers/scripted/yaml_reader.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <parley/base/units.hpp>

namespace parley::scripted {

using yaml::described;

void YamlReader::expected(yaml::Place at, std::string_view what) { mistakes_.add({at, {}, fmt::format("expected {}", what)}); }

bool YamlReader::mapping(const yaml::Node& node, std::string_view what, std::initializer_list<std::string_view> keys) {
  if (!node.is_mapping()) {
    expected(node, fmt::format("{} as a mapping with {}, found {}", what, fmt::join(keys, ", "), described(node)));
    return false;
  }
  for (const auto& entry : node.entries) {
    if (std::ranges::find(keys, std::string_view(entry.key)) != keys.end()) continue;
    expected(entry.key_place, fmt::format("one of {} in {}, found \"{}\"", fmt::join(keys, ", "), what, entry.key));
  }
  return true;
}

bool YamlReader::list(const yaml::Node& node, std::string_view what) {
  if (node.is_list() && !node.items.empty() && node.items.size() <= kMaxEntries) return true;
  expected(node, fmt::format("{} as a list of 1 to {} entries, found {}", what, kMaxEntries, described(node)));
  return false;
}

std::string YamlReader::text(const yaml::Node& node, std::string_view what) {
  if (node.is_scalar() && !node.text.empty() && node.text.size() <= kMaxTextBytes) return node.text;
  expected(node, fmt::format("{} as a text of 1 to {} bytes, found {}", what, kMaxTextBytes, described(node)));
  return {};
}

std::vector<std::string> YamlReader::texts(const yaml::Node& node, std::string_view what) {
  if (!node.is_list()) return {text(node, what)};
  std::vector<std::string> all;
  if (!list(node, what)) return all;
  for (const auto& one : node.items) all.push_back(text(one, what));
  return all;
}

long YamlReader::whole_number(const yaml::Node& node, std::string_view what, long least, long most) {
  long value = 0;
  if (node.is_scalar()) {
    const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (error == std::errc() && end == node.text.data() + node.text.size() && value >= least && value <= most) return value;
  }
  expected(node, fmt::format("{} as a whole number from {} to {}, found {}", what, least, most, described(node)));
  return least;
}

bool YamlReader::boolean(const yaml::Node& node, std::string_view what) {
  if (node.text != "true" && node.text != "false") expected(node, fmt::format("{} as true or false, found {}", what, described(node)));
  return node.text == "true";
}

Duration YamlReader::duration(const yaml::Node& node, std::string_view what) {
  constexpr Duration kMost = 60s;
  const auto value = parse_duration(node.text);
  if (value && *value <= kMost) return *value;
  expected(node, fmt::format("{} as a duration like 300ms or 1.5s, at most {}, found {}", what, to_text(kMost), described(node)));
  return {};
}

}  // namespace parley::scripted
