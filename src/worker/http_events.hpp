// A call's events as server-sent events (WHATWG HTML, 9.2). docs/http-api.md has the framing.
//
// Bound: a watcher holds one event at a time; what it does not read stays in the desk, which cuts off those that fall
// behind. A comment every kKeepAlive shows both sides that the other lives.
#pragma once

#include <string>

#include "net/http_server.hpp"
#include "worker/call_desk.hpp"

namespace parley::worker {

constexpr Duration kKeepAlive = 15s;
constexpr std::uint64_t kComeBackAfterMs = 1000;  // what a browser waits before it comes back

// The answer to GET /call/{id}/events. 204 when there is nothing left to tell: it stops a browser from coming back.
Task<net::ServerResponse> watch_events(CallDesk& desk, std::string call_id, net::ServerRequest request);

}  // namespace parley::worker
