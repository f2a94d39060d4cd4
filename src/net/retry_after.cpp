#include "net/retry_after.hpp"

#include <algorithm>
#include <charconv>

namespace parley::net {

Duration retry_after(const HttpFields& fields) noexcept {
  const auto text = fields.get("Retry-After");
  int seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed != std::errc{} || end != text.data() + text.size() || seconds < 0) return {};
  return std::min<Duration>(std::chrono::seconds(seconds), kMaxRetryAfter);
}

}  // namespace parley::net
