// What operators and their tools ask, on a port of its own: so that it is answered when the other is full of callers.
//
// "/" and "/healthz" say nothing but whether calls are taken, "/livez" that the supervisor turns at all, to anybody; "/worker"
// and "/metrics" are guarded like calls.
#pragma once

#include "net/http_server.hpp"
#include "worker/call_desk.hpp"
#include "worker/http_access.hpp"

namespace parley::worker {

class HttpHealth {
 public:
  HttpHealth(CallDesk& desk, HttpAccess access) : desk_(desk), access_(std::move(access)) {}

  Task<net::ServerResponse> handle(net::ServerRequest request);

 private:
  net::ServerResponse inner(const net::ServerRequest& request);

  CallDesk& desk_;
  HttpAccess access_;
};

}  // namespace parley::worker
