#include "worker/http_api.hpp"

#include "net/http_server.hpp"
#include "worker/http_access.hpp"
#include "worker/http_calls.hpp"
#include "worker/http_health.hpp"
#include "worker/http_problem.hpp"

namespace parley::worker {

struct HttpApi::Ports {
  Ports(Scope& parent, CallDesk& desk, const HttpApiConfig& config, std::span<const PageFile> files)
      : access(config.address, config.advertised_names, config.token),
        calls(desk),
        pages(files),
        health(desk, HttpAccess(config.health_address, config.advertised_names, config.token)),
        close_once(parent, "http") {}

  Result<void> listen(RealLoop& loop, Scope& parent, const HttpApiConfig& config);
  Task<net::ServerResponse> handle(net::ServerRequest request);
  Task<CloseReport> close(Deadline deadline);

  HttpAccess access;
  HttpCalls calls;
  HttpPages pages;
  HttpHealth health;
  CloseOnce close_once;
  std::unique_ptr<net::HttpServer> call_server;
  std::unique_ptr<net::HttpServer> health_server;
};

Result<void> HttpApi::Ports::listen(RealLoop& loop, Scope& parent, const HttpApiConfig& config) {
  auto on_health = net::HttpServer::listen(loop, parent,
                                           {.name = "http.health",
                                            .at = {config.health_address, config.health_port},
                                            .limits = {.body_bytes = 0},
                                            .max_connections = kMaxHealthConnections},
                                           [this](net::ServerRequest request) { return health.handle(std::move(request)); });
  if (!on_health) return fail(on_health.error());
  health_server = std::move(*on_health);
  if (!config.calls) return {};
  if (auto allowed = access.check(); !allowed) return allowed;
  auto on_call = net::HttpServer::listen(loop, parent,
                                         {.name = "http.calls",
                                          .at = {config.address, config.port},
                                          .limits = {.body_bytes = kMaxOfferBytes},
                                          .max_connections = kMaxConnections,
                                          .max_streams = kMaxWatchers,
                                          .handler = kAnswerLimit},
                                         [this](net::ServerRequest request) { return handle(std::move(request)); });
  if (!on_call) return fail(on_call.error());
  call_server = std::move(*on_call);
  return {};
}

Task<net::ServerResponse> HttpApi::Ports::handle(net::ServerRequest request) {
  if (auto refusal = access.refuse_host(request.head)) co_return std::move(*refusal);
  if (!HttpCalls::owns(request.target.path)) co_return pages.handle(request);
  if (request.head.method != "OPTIONS") {
    if (auto refusal = access.refuse_token(request.head)) co_return std::move(*refusal);
  }
  co_return co_await calls.handle(std::move(request));
}

// Health last: it is asked about the other's end. Calls that use up their time leave it a quarter, at most kHealthTime.
Task<CloseReport> HttpApi::Ports::close(Deadline deadline) {
  constexpr Duration kHealthTime = 200ms;
  auto& loop = co_await this_loop();
  const auto left = deadline.left(loop.now());
  CloseReport report;
  if (call_server) report.add("calls", co_await call_server->close(loop.in(left - std::min(kHealthTime, left / 4))));
  report.add("health", co_await health_server->close(deadline));
  co_return report;
}

HttpApi::HttpApi(std::unique_ptr<Ports> ports) : ports_(std::move(ports)) {}
HttpApi::~HttpApi() = default;

Result<std::unique_ptr<HttpApi>> HttpApi::listen(RealLoop& loop, Scope& parent, CallDesk& desk, HttpApiConfig config,
                                                 std::span<const PageFile> pages) {
  auto ports = std::make_unique<Ports>(parent, desk, config, pages);
  if (auto listening = ports->listen(loop, parent, config); !listening) return fail(listening.error());
  return std::unique_ptr<HttpApi>(new HttpApi(std::move(ports)));
}

void HttpApi::request_stop(StopReason reason) noexcept {
  if (ports_->call_server) ports_->call_server->request_stop(std::move(reason));
}

Task<CloseReport> HttpApi::close(Deadline deadline) {
  return ports_->close_once.run(deadline, [this](Deadline d) { return ports_->close(d); });
}

void HttpApi::kill() noexcept {
  if (ports_->call_server) ports_->call_server->kill();
  ports_->health_server->kill();
}

std::uint16_t HttpApi::port() const { return ports_->call_server ? ports_->call_server->endpoint().port : 0; }
std::uint16_t HttpApi::health_port() const { return ports_->health_server->endpoint().port; }

}  // namespace parley::worker
