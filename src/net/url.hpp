// URLs, as clients are given them and as servers receive their targets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <parley/base/result.hpp>

namespace parley::net {

struct Url {
  static constexpr std::size_t kMaxBytes = 8 * 1024;

  std::string scheme;     // "http", "https", "ws", "wss"; lower case
  std::string host;       // a name or an address, without brackets
  std::uint16_t port = 0; // the scheme's own if none was given
  std::string target;     // "/path?query", as it goes onto the wire
  std::string user_info;  // "user:password", decoded; never shown

  bool tls() const noexcept { return scheme == "https" || scheme == "wss"; }
  // "example.com", "example.com:8443", "[::1]:8080": without the scheme's own port.
  std::string authority() const;
  // For messages: no user, password or query, which may be secret.
  std::string shown() const;
};

Result<Url> parse_url(std::string_view text);

// What a request asks for: the decoded path and the decoded query, in order.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;

  // The first value of this name; null if absent.
  const std::string* find(std::string_view name) const noexcept;
};

// "/call?x=1", or the absolute form that proxies send (RFC 9112, 3.2).
Result<Target> parse_target(std::string_view target);

// "name", "name:8080", "[::1]:8080" as the Host header has it: the name in lower case, without port and brackets. Empty if
// it is none.
std::string host_name(std::string_view authority);

}  // namespace parley::net
