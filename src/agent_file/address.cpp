#include "agent_file/address.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace parley::agent_file {
namespace {

using Type = Option::Type;

bool is_telephone(const Option& option) {
  return std::ranges::any_of(option.one_of, [](const auto& scheme) { return scheme == "tel" || scheme == "sip"; });
}

// Behind the scheme, the host and the port; npos: they are not over yet.
std::size_t end_of_authority(std::string_view url) {
  const auto authority = url.find("://");
  return authority == std::string_view::npos ? authority : url.find_first_of("/?#", authority + 3);
}

}  // namespace

Encoding encoding_in(const Option& option, const Template& text) {
  if (option.type == Type::path) return Encoding::part_of_url;
  if (option.type != Type::uri) return Encoding::none;
  if (!is_telephone(option)) return Encoding::part_of_url;
  return text.pieces().size() == 1 ? Encoding::none : Encoding::part_of_target;
}

std::optional<std::string> mistake_before_path(const Option& option, const Template& text) {
  if (option.type != Type::uri || is_telephone(option)) return std::nullopt;
  std::string before;
  for (const Piece& piece : text.pieces()) {
    if (piece.variable.empty()) {
      before += piece.text;
    } else if (end_of_authority(before) == std::string::npos) {
      return fmt::format(
          "{} stands before the path: a call cannot choose the server, only env.* and secret.* can stand there",
          piece.variable);
    } else {
      break;
    }
  }
  return std::nullopt;
}

std::optional<std::string> mistake_in_path(std::string_view url) {
  const auto begin = std::min(end_of_authority(url), url.size());
  auto path = url.substr(begin, url.substr(begin).find_first_of("?#"));
  while (!path.empty()) {
    auto name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    std::string plain;
    bool of_call = false;  // only what a call brings has its dots encoded
    while (!name.empty()) {
      const bool is_encoded = name.starts_with("%2E");
      plain += is_encoded ? '.' : name.front();
      of_call = of_call || is_encoded;
      name.remove_prefix(is_encoded ? 3 : 1);
    }
    if (of_call && (plain == "." || plain == ".."))
      return fmt::format("what the call brings into the path is \"{}\", which leads elsewhere", plain);
  }
  return std::nullopt;
}

}  // namespace parley::agent_file
