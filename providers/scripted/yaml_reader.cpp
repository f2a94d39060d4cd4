#include "providers/scripted/yaml_reader.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace parley::scripted {
namespace {

std::string described(const YAML::Node& node) {
  constexpr std::size_t kMostShown = 40;
  if (!node || node.IsNull()) return "nothing";
  if (node.IsSequence()) return "a list";
  if (node.IsMap()) return "a mapping";
  const std::string& text = node.Scalar();
  return text.size() <= kMostShown ? fmt::format("\"{}\"", text) : fmt::format("\"{}...\"", text.substr(0, kMostShown));
}

}  // namespace

std::string place(const std::string& file, const YAML::Mark& mark) {
  return fmt::format("{}:{}:{}", file, std::max(mark.line, 0) + 1, std::max(mark.column, 0) + 1);
}

std::optional<YAML::Node> YamlReader::parse(std::string_view text) {
  try {
    return YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    mistakes_.push_back(fmt::format("{}: expected YAML: {}", place(file_, error.mark), error.msg));
    return std::nullopt;
  }
}

void YamlReader::expected(const YAML::Node& at, std::string_view what) {
  if (mistakes_.size() == kMaxMistakes) {
    more_ = true;
    return;
  }
  mistakes_.push_back(fmt::format("{}: expected {}", place(file_, at.Mark()), what));
}

bool YamlReader::mapping(const YAML::Node& node, std::string_view what, std::initializer_list<std::string_view> keys) {
  if (!node.IsMap() || node.size() > kMaxEntries) {
    expected(node, fmt::format("{} as a mapping with {}, found {}", what, fmt::join(keys, ", "), described(node)));
    return false;
  }
  std::vector<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (std::ranges::find(keys, std::string_view(key)) == keys.end()) {
      expected(entry.first,
               fmt::format("one of {} in {}, found {}", fmt::join(keys, ", "), what, described(entry.first)));
    } else if (std::ranges::find(seen, key) != seen.end()) {
      expected(entry.first, fmt::format("\"{}\" only once in {}", key, what));
    }
    seen.push_back(key);
  }
  return true;
}

bool YamlReader::list(const YAML::Node& node, std::string_view what) {
  if (node.IsSequence() && node.size() > 0 && node.size() <= kMaxEntries) return true;
  expected(node, fmt::format("{} as a list of 1 to {} entries, found {}", what, kMaxEntries, described(node)));
  return false;
}

std::string YamlReader::text(const YAML::Node& node, std::string_view what) {
  if (node.IsScalar() && !node.Scalar().empty() && node.Scalar().size() <= kMaxTextBytes) return node.Scalar();
  expected(node, fmt::format("{} as a text of 1 to {} bytes, found {}", what, kMaxTextBytes, described(node)));
  return {};
}

std::vector<std::string> YamlReader::texts(const YAML::Node& node, std::string_view what) {
  if (!node.IsSequence()) return {text(node, what)};
  std::vector<std::string> all;
  if (!list(node, what)) return all;
  for (const auto& one : node) all.push_back(text(one, what));
  return all;
}

long YamlReader::whole_number(const YAML::Node& node, std::string_view what, long least, long most) {
  long value = 0;
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most) return value;
  }
  expected(node, fmt::format("{} as a whole number from {} to {}, found {}", what, least, most, described(node)));
  return least;
}

bool YamlReader::boolean(const YAML::Node& node, std::string_view what) {
  const std::string text = node.IsScalar() ? node.Scalar() : "";
  if (text != "true" && text != "false")
    expected(node, fmt::format("{} as true or false, found {}", what, described(node)));
  return text == "true";
}

Duration YamlReader::duration(const YAML::Node& node, std::string_view what) {
  constexpr double kMostSeconds = 60;
  const std::string text = node.IsScalar() ? node.Scalar() : "";
  double value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double seconds = unit == "ms" ? value / 1000 : value;
  if (error != std::errc() || (unit != "ms" && unit != "s") || !(seconds >= 0) || seconds > kMostSeconds) {
    expected(node, fmt::format("{} as a duration like 300ms or 1.5s, at most {} s, found {}", what, kMostSeconds,
                               described(node)));
    return {};
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Error YamlReader::error() const {
  return {Errc::invalid_argument, fmt::format("{}{}", fmt::join(mistakes_, "\n"), more_ ? "\n(and more)" : "")};
}

}  // namespace parley::scripted
