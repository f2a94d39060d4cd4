#include "rtc/sdp.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace parley::rtc {

namespace {

std::unexpected<Error> malformed(std::size_t line, std::string_view why) {
  return fail(Errc::invalid_argument, fmt::format("the session description (SDP) cannot be read: line {} {}", line, why));
}

bool has_control_characters(std::string_view line) noexcept {
  return std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool parse_media_line(std::string_view value, SdpSection& section) {
  const auto words = split_words(value);
  if (words.size() < 4 || words.size() > 3 + kMaxSdpFormats) return false;
  if (!std::ranges::all_of(words, is_sdp_token)) return false;
  auto port = words[1];
  port = port.substr(0, port.find('/'));  // "port/number of ports"
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), section.port);
  if (error != std::errc{} || end != port.data() + port.size() || section.port > 65'535) return false;
  section.kind = words[0];
  section.protocol = words[2];
  section.formats.assign(words.begin() + 3, words.end());
  return true;
}

std::string_view take_line(std::string_view& text) noexcept {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

const std::string* find_attribute(const SdpAttributes& attributes, std::string_view name) noexcept {
  const auto it = std::ranges::find(attributes, name, &SdpAttribute::name);
  return it == attributes.end() ? nullptr : &it->value;
}

bool is_sdp_token(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 256 && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto end = text.find(' ');
    words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

Result<SdpSession> parse_sdp(std::string_view text) {
  if (text.size() > kMaxSdpBytes) {
    return fail(Errc::invalid_argument, fmt::format("the session description (SDP) has {} bytes; at most {} are read",
                                                    text.size(), kMaxSdpBytes));
  }
  SdpSession session;
  std::size_t number = 0;
  bool begun = false;
  while (!text.empty()) {
    const auto line = take_line(text);
    if (++number > kMaxSdpLines) return malformed(number, "is one too many");
    if (line.empty()) continue;
    if (line.size() > kMaxSdpLineBytes) return malformed(number, "is too long");
    if (has_control_characters(line)) return malformed(number, "has control characters");
    if (line.size() < 2 || line[1] != '=') return malformed(number, "is not of the form x=...");
    const auto value = line.substr(2);
    if (!begun && line != "v=0") return malformed(number, "is not v=0");
    begun = true;
    if (line[0] == 'm') {
      if (session.sections.size() == kMaxSdpSections) return malformed(number, "begins one section too many");
      if (!parse_media_line(value, session.sections.emplace_back())) return malformed(number, "is no valid m-line");
    } else if (line[0] == 'a') {
      const auto colon = value.find(':');
      const auto name = value.substr(0, colon);
      if (!is_sdp_token(name)) return malformed(number, "is no valid attribute");
      auto& into = session.sections.empty() ? session.attributes : session.sections.back().attributes;
      into.push_back({std::string(name), std::string(colon == value.npos ? std::string_view{} : value.substr(colon + 1))});
    }
  }
  if (!begun) return fail(Errc::invalid_argument, "the session description (SDP) is empty");
  return session;
}

}  // namespace parley::rtc
