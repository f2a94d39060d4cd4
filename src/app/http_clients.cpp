#include "app/http_clients.hpp"

#include "async/real_loop.hpp"
#include "net/net_http_client.hpp"
#include "net/net_websocket.hpp"

namespace parley::app {

Result<webhook::ClientFactory> http_clients(std::shared_ptr<Assets> assets) {
  auto proxies = net::ProxyRules::from_environment();
  if (!proxies) return fail(proxies.error());
  return [assets = std::move(assets), proxies = std::move(*proxies)](Loop& loop, Scope& scope) {
    auto tls = assets->tls();
    return net::make_http_client(dynamic_cast<RealLoop&>(loop), scope, {.proxies = proxies, .tls = tls ? *tls : nullptr});
  };
}

Result<voice::RoomClientFactory> room_clients(std::shared_ptr<Assets> assets) {
  auto proxies = net::ProxyRules::from_environment();
  if (!proxies) return fail(proxies.error());
  return [assets = std::move(assets), proxies = std::move(*proxies)](Loop& loop, Scope& scope, bool secure) {
    auto& real = dynamic_cast<RealLoop&>(loop);
    net::HttpClientOptions options{.proxies = proxies};
    if (secure) {
      if (auto tls = assets->tls()) options.tls = *tls;
    }
    return voice::RoomClients{net::make_http_client(real, scope, options), net::make_websocket_client(real, scope, options)};
  };
}

}  // namespace parley::app
