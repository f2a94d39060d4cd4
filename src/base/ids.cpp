#include <parley/base/ids.hpp>

#include <algorithm>

namespace parley {

namespace {
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kMaxIdLength = 64;
}  // namespace

std::string make_id(Random& random, std::string_view prefix, std::size_t length) {
  std::string id(prefix);
  id.reserve(prefix.size() + length);
  for (std::size_t i = 0; i < length; ++i) id += kAlphabet[random.below(kAlphabet.size())];
  return id;
}

bool is_id(std::string_view text) noexcept {
  return text.size() > 3 && text.size() <= kMaxIdLength && text[2] == '_' &&
         std::ranges::all_of(text, [](char c) { return c == '_' || kAlphabet.find(c) != kAlphabet.npos; });
}

}  // namespace parley
