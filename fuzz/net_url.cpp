// URLs from configuration, targets and Host headers from strangers.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "net/url.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto url = parse_url(text)) {
    // What goes onto the wire cannot break a request, and is read the same once more.
    for (const char c : url->host + url->target) {
      if (c == '\r' || c == '\n' || c == ' ' || c == 0) std::abort();
    }
    const auto again = parse_url(url->scheme + "://" + url->authority() + url->target);
    if (!again || again->host != url->host || again->port != url->port || again->target != url->target) std::abort();
    if (host_name(url->authority()) != url->host) std::abort();
  }
  (void)parse_target(text);
  (void)host_name(text);
  return 0;
}
