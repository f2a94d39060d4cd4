// What an LLM writes, as it goes to the synthesiser. The first byte is the length of a piece.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "providers/flite/speakable_text.hpp"

using namespace parley;

namespace {

std::string without_blanks(std::string_view text) {
  std::string out;
  std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c != ' '; });
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t most = data[0] + 1U;
  const auto text = speakable_text({reinterpret_cast<const char*>(data) + 1, size - 1});
  std::size_t word = 0;
  for (const char c : text) {
    if (c < 0x20 || c > 0x7E) std::abort();
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    word = letter ? word + 1 : 0;
    if (word > kMaxWord) std::abort();
  }
  std::string joined;
  for (const auto piece : speakable_pieces(text, most)) {
    if (piece.empty() || piece.size() > most) std::abort();
    joined += piece;
  }
  if (without_blanks(joined) != without_blanks(text)) std::abort();
  return 0;
}
