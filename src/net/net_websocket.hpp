// The real WebSocket client: plain and TLS, directly or through a proxy.
//
// Beast speaks the protocol; the bytes are moved by tasks over our own streams, so that the connection can be ended at any
// wait. A server that has said nothing for a while is asked for a sign, and then given up.
//
// Thread: the loop's only. The client outlives its connections.
#pragma once

#include <memory>

#include "net/net_http_client.hpp"
#include "net/websocket.hpp"

namespace parley::net {

struct WebSocketTimes {
  Duration ping_after = 20s;     // of silence
  Duration silence_limit = 30s;  // not even an answer to the ping
};

// Lookups run in a child of `parent`.
std::unique_ptr<WebSocketClient> make_websocket_client(RealLoop& loop, Scope& parent, HttpClientOptions options = {},
                                                       WebSocketTimes times = {});

}  // namespace parley::net
