// The real LiveKit server that parley_livekit_test has started, and its API.
#pragma once

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include <parley/base/ids.hpp>

#include "livekit/api/server_api.hpp"
#include "livekit/api/server_url.hpp"
#include "net/net_http_client.hpp"
#include "net/net_websocket.hpp"
#include "net_test/fixture.hpp"

namespace parley::livekit {

class AtRealServer : public net::OnRealLoop {
 public:
  void SetUp() override {
    OnRealLoop::SetUp();
    http = net::make_http_client(loop(), scope());
    sockets = net::make_websocket_client(loop(), scope());
    credentials = {variable("LIVEKIT_URL"), variable("LIVEKIT_API_KEY"), variable("LIVEKIT_API_SECRET")};
    ASSERT_FALSE(credentials.url.empty()) << "run by tests/livekit/livekit_server.py";
    api.emplace(loop(), *http, credentials);
    auto random = Random::from_system();
    room = make_id(random, "test_", 8);
  }
  void TearDown() override {
    api.reset();
    http.reset();
    sockets.reset();
    OnRealLoop::TearDown();
  }
  static std::string variable(const char* name) {
    const auto* value = std::getenv(name);
    return value ? value : "";
  }
  Deadline soon() { return in(10s); }
  TokenClaims to_join(std::string identity) const {
    TokenClaims claims;
    claims.identity = std::move(identity);
    claims.video.room = room;
    claims.video.room_join = true;
    return claims;
  }
  // The signal socket of a participant, who stays for as long as it is open.
  Task<Result<std::unique_ptr<net::WebSocket>>> join(TokenClaims claims) {
    const auto token = make_token(credentials, claims, loop().clock().wall());
    net::WebSocketRequest request{.url = socket_base(credentials.url).value() + "/rtc?protocol=15&auto_subscribe=0",
                                  .fields = {{"Authorization", "Bearer " + token.value()}}};
    auto socket = co_await sockets->connect(scope(), std::move(request), soon());
    if (!socket) co_return fail(socket.error().error);
    const auto joined = co_await (*socket)->receive(soon());
    if (!joined) co_return fail(joined.error());
    co_return std::move(*socket);
  }

  Credentials credentials;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<net::WebSocketClient> sockets;
  std::optional<ServerApi> api;
  std::string room;  // of this test alone
};

}  // namespace parley::livekit
