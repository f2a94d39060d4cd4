// Reading the values of a dialogue: whatever is not as it should be is a mistake that says what was expected.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <parley/base/time.hpp>

#include "yaml/node.hpp"

namespace parley::scripted {

class YamlReader {
 public:
  static constexpr std::size_t kMaxTextBytes = 2000;
  static constexpr std::size_t kMaxEntries = 500;  // of one list or mapping

  explicit YamlReader(yaml::Mistakes& mistakes) : mistakes_(mistakes) {}

  // Parses the text; nothing if it is no YAML, which is a mistake then.
  std::optional<yaml::Node> parse(std::string_view text) { return yaml::parse(text, mistakes_); }

  // "dialogue.yaml:12:5: expected ..."
  void expected(yaml::Place at, std::string_view what);
  void expected(const yaml::Node& at, std::string_view what) { expected(at.place, what); }

  // A mapping with no other keys than these; false and a mistake otherwise. Unknown keys are mistakes.
  bool mapping(const yaml::Node& node, std::string_view what, std::initializer_list<std::string_view> keys);
  // A list of bounded length.
  bool list(const yaml::Node& node, std::string_view what);

  std::string text(const yaml::Node& node, std::string_view what);
  std::vector<std::string> texts(const yaml::Node& node, std::string_view what);  // a text or a list of texts
  long whole_number(const yaml::Node& node, std::string_view what, long least, long most);
  bool boolean(const yaml::Node& node, std::string_view what);
  Duration duration(const yaml::Node& node, std::string_view what);  // "300ms", "1.5s"

  bool failed() const { return !mistakes_.empty(); }

 private:
  yaml::Mistakes& mistakes_;
};

}  // namespace parley::scripted
