// Reading a YAML file that people write: every mistake is told with its place and with what was expected there.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

#include <parley/base/result.hpp>
#include <parley/base/time.hpp>

namespace parley::scripted {

// "dialogue.yaml:12:5"
std::string place(const std::string& file, const YAML::Mark& mark);

// Collects mistakes, so that one run shows them all.
//
// Bound: kMaxMistakes are kept.
class YamlReader {
 public:
  static constexpr std::size_t kMaxMistakes = 20;
  static constexpr std::size_t kMaxTextBytes = 2000;
  static constexpr std::size_t kMaxEntries = 500;  // of one list or mapping

  explicit YamlReader(std::string file) : file_(std::move(file)) {}

  // Parses the text; nothing if it is no YAML, which is a mistake then.
  std::optional<YAML::Node> parse(std::string_view text);

  // "dialogue.yaml:12:5: expected ..."
  void expected(const YAML::Node& at, std::string_view what);

  // A mapping with no other keys than these; false and a mistake otherwise. Unknown keys are mistakes.
  bool mapping(const YAML::Node& node, std::string_view what, std::initializer_list<std::string_view> keys);
  // A list or mapping of bounded length.
  bool list(const YAML::Node& node, std::string_view what);

  std::string text(const YAML::Node& node, std::string_view what);
  std::vector<std::string> texts(const YAML::Node& node, std::string_view what);  // a text or a list of texts
  long whole_number(const YAML::Node& node, std::string_view what, long least, long most);
  bool boolean(const YAML::Node& node, std::string_view what);
  Duration duration(const YAML::Node& node, std::string_view what);  // "300ms", "1.5s"

  bool failed() const { return !mistakes_.empty(); }
  // All mistakes, one a line.
  Error error() const;

 private:
  std::string file_;
  std::vector<std::string> mistakes_;
  bool more_ = false;
};

}  // namespace parley::scripted
