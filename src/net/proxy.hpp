// Which proxy a request goes through: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as curl and others read them.
#pragma once

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "net/url.hpp"

namespace parley::net {

class ProxyRules {
 public:
  // No proxy for anything.
  ProxyRules() = default;

  // Each variable in lower case first, then in upper case. Errc::invalid_argument names the variable that is malformed.
  using Environment = std::function<const char*(const char* name)>;
  static Result<ProxyRules> from_environment(const Environment& environment = ::getenv);

  // The proxy for this URL, if any. Loopback names and addresses are always reached directly.
  const Url* proxy_for(const Url& url) const;

 private:
  std::optional<Url> http_;
  std::optional<Url> https_;
  std::vector<std::string> direct_;  // "example.com", ".example.com", "10.0.0.1", "*"
};

}  // namespace parley::net
