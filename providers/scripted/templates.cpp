#include "providers/scripted/templates.hpp"

namespace parley::scripted {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string filled_in(std::string_view text, const std::function<std::string(std::string_view name)>& value) {
  std::string result;
  while (true) {
    const auto open = text.find("{{");
    const auto close = open == std::string_view::npos ? open : text.find("}}", open);
    if (close == std::string_view::npos) return result.append(text);
    result += text.substr(0, open);
    result += value(trimmed(text.substr(open + 2, close - open - 2)));
    text.remove_prefix(close + 2);
  }
}

std::vector<std::string> template_names(std::string_view text) {
  std::vector<std::string> names;
  filled_in(text, [&](std::string_view name) {
    names.emplace_back(name);
    return std::string();
  });
  return names;
}

bool is_whole_template(std::string_view text) {
  while (true) {
    const auto open = text.find("{{");
    if (open == std::string_view::npos) return true;
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) return false;
    text.remove_prefix(close + 2);
  }
}

}  // namespace parley::scripted
