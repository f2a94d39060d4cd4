#include "livekit/api/server_url.hpp"

#include <fmt/format.h>

#include <parley/base/utf8.hpp>

#include "net/url.hpp"

namespace parley::livekit {

namespace {

constexpr std::size_t kMaxShown = 300;

Result<std::string> base(std::string_view text, std::string_view plain, std::string_view secure) {
  const auto url = net::parse_url(text);
  const bool known = url && (url->scheme == "ws" || url->scheme == "wss" || url->scheme == "http" || url->scheme == "https");
  if (!known) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is no address of a LiveKit server: write it as wss://example.livekit.cloud",
                                                    url ? url->shown() : valid_utf8(std::string(text.substr(0, kMaxShown)))));
  }
  auto path = url->target.substr(0, url->target.find('?'));
  while (path.ends_with('/')) path.pop_back();
  return fmt::format("{}://{}{}", url->tls() ? secure : plain, url->authority(), path);
}

}  // namespace

Result<std::string> http_base(std::string_view url) { return base(url, "http", "https"); }
Result<std::string> socket_base(std::string_view url) { return base(url, "ws", "wss"); }

}  // namespace parley::livekit
