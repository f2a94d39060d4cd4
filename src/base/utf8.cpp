#include <parley/base/utf8.hpp>

#include <algorithm>

namespace parley {

std::size_t utf8_sequence(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const auto lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || size > text.size()) return 0;
  if (!std::ranges::all_of(text.substr(1, size - 1), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; })) return 0;
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  const bool refused = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0) || (lead == 0xF0 && byte(1) < 0x90) ||
                       (lead == 0xF4 && byte(1) >= 0x90);
  return refused ? 0 : size;
}

std::string valid_utf8(std::string text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::size_t good = 0;
  while (good < text.size()) {
    const auto size = utf8_sequence(std::string_view(text).substr(good));
    if (size == 0) break;
    good += size;
  }
  if (good == text.size()) return text;
  std::string out = text.substr(0, good);
  for (std::string_view rest = std::string_view(text).substr(good); !rest.empty();) {
    const auto size = utf8_sequence(rest);
    out += size > 0 ? rest.substr(0, size) : kReplacement;
    rest.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

}  // namespace parley
