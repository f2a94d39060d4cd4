#include "app/http_clients.hpp"

#include "async/real_loop.hpp"
#include "net/net_http_client.hpp"

namespace parley::app {

Result<webhook::ClientFactory> http_clients(std::shared_ptr<Assets> assets) {
  auto proxies = net::ProxyRules::from_environment();
  if (!proxies) return fail(proxies.error());
  return [assets = std::move(assets), proxies = std::move(*proxies)](Loop& loop, Scope& scope) {
    auto tls = assets->tls();
    return net::make_http_client(dynamic_cast<RealLoop&>(loop), scope, {.proxies = proxies, .tls = tls ? *tls : nullptr});
  };
}

}  // namespace parley::app
