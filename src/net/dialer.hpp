// From a URL to a connection that can carry a request: lookup, TCP, proxy, TLS.
//
// Thread: the loop's only.
#pragma once

#include <memory>
#include <string>

#include "net/proxy.hpp"
#include "net/resolver.hpp"
#include "net/tls.hpp"
#include "net/url.hpp"

namespace parley::net {

class Dialer {
 public:
  // An address that does not answer leaves the others their turn after this time.
  static constexpr Duration kAddressLimit = 3s;

  // `tls` may be null: it is then made when first needed.
  Dialer(RealLoop& loop, Scope& parent, ProxyRules proxies, std::shared_ptr<TlsContext> tls, Resolver::Lookup lookup);

  // Connections of the same key can stand for each other.
  std::string key(const Url& url) const;
  // The proxy to which a request of this URL is sent in absolute form; null for TLS, which goes through it.
  const Url* forwarding_proxy(const Url& url) const { return url.tls() ? nullptr : proxies_.proxy_for(url); }

  // Errors say what could not be reached, and through which proxy.
  Task<Result<std::unique_ptr<ByteStream>>> dial(Url url, Deadline deadline);

 private:
  Task<Result<std::unique_ptr<TcpStream>>> reach(std::string host, std::uint16_t port, Deadline deadline);
  Task<Result<void>> tunnel(TcpStream& stream, const Url& proxy, std::string authority, Deadline deadline);
  Result<std::shared_ptr<TlsContext>> tls();

  RealLoop& loop_;
  ProxyRules proxies_;
  std::shared_ptr<TlsContext> tls_;
  Resolver resolver_;
};

// "Basic dXNlcjpwYXNz"; for Authorization and Proxy-Authorization.
std::string basic_credentials(const Url& url);

}  // namespace parley::net
