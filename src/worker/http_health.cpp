#include "worker/http_health.hpp"

#include <boost/json/serialize.hpp>

#include "worker/http_problem.hpp"

namespace parley::worker {

namespace {

net::ServerResponse text(int status, std::string type, std::string body) {
  net::ServerResponse response;
  response.status = status;
  response.fields = {{"Content-Type", std::move(type)}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body);
  return response;
}

}  // namespace

Task<net::ServerResponse> HttpHealth::handle(net::ServerRequest request) {
  const auto& path = request.target.path;
  const bool health = path == "/" || path == "/healthz";
  const bool alive = path == "/livez";
  if (!health && !alive && path != "/worker" && path != "/metrics") co_return problem(404, "there is nothing here");
  const auto& method = request.head.method;
  if (method != "GET" && method != "HEAD") co_return not_allowed(method, "GET, HEAD");
  if (alive) co_return text(200, "text/plain; charset=utf-8", "OK\n");
  if (!health) co_return inner(request);
  const bool well = desk_.healthy();
  co_return text(well ? 200 : 503, "text/plain; charset=utf-8", well ? "OK\n" : "unhealthy: /worker says why\n");
}

net::ServerResponse HttpHealth::inner(const net::ServerRequest& request) {
  if (auto refusal = access_.refuse_host(request.head)) return std::move(*refusal);
  if (access_.beyond_loopback() && !access_.has_token()) {
    return problem(403, "beyond loopback this needs a token: set one, or listen on 127.0.0.1");
  }
  if (auto refusal = access_.refuse_token(request.head)) return std::move(*refusal);
  if (request.target.path == "/worker") return text(200, "application/json", boost::json::serialize(desk_.status()) + "\n");
  return text(200, "text/plain; version=0.0.4; charset=utf-8", desk_.metrics());
}

}  // namespace parley::worker
