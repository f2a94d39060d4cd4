#include "net/http_server.hpp"

#include "async/real_loop.hpp"
#include "net/http_connection.hpp"

namespace parley::net {

namespace {
// Tasks that have ended are reaped a turn later.
constexpr std::size_t kTasksAConnection = 2;
}  // namespace

HttpServer::HttpServer(Scope& parent, HttpServerOptions options, Handler handler, TcpListener listener)
    : loop_(parent.loop()),
      options_(std::move(options)),
      handler_(std::move(handler)),
      listener_(std::move(listener)),
      endpoint_(listener_.endpoint()),
      logger_(loop_.logger().with(log_field::kComponent, "http").with("server", options_.name)),
      close_(parent, options_.name),
      serving_(parent, options_.name + ".connections", kTasksAConnection * options_.max_connections),
      accepting_(parent, options_.name + ".accept", 1) {}

HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::listen(RealLoop& loop, Scope& parent, HttpServerOptions options, Handler handler) {
  auto listener = TcpListener::listen(loop, options.at);
  if (!listener) return fail(listener.error());
  std::unique_ptr<HttpServer> server(new HttpServer(parent, std::move(options), std::move(handler), std::move(*listener)));
  if (auto started = server->accepting_.spawn("accept", server->accept_all()); !started) return fail(started.error());
  return server;
}

Task<void> HttpServer::accept_all() {
  while (co_await listener_.ready(Deadline::bounded_by_scope())) {
    while (counters_.open >= options_.max_connections) {
      room_.reset();
      evict_idle();
      (void)co_await room_.wait(Deadline::bounded_by_scope());
    }
    auto stream = co_await listener_.accept(Deadline::bounded_by_scope());
    if (stream) {
      (void)serving_.spawn("connection", serve(std::make_unique<HttpConnection>(*this, std::move(*stream))));
      co_await yield();
    } else if (stream.error().code() != Errc::closing) {
      logger_.error("{}; waiting for connections to end", stream.error().message());
      co_await sleep_for(kPauseWhenExhausted);
    }
  }
}

Task<void> HttpServer::serve(std::unique_ptr<HttpConnection> connection) { co_await connection->run(); }

void HttpServer::evict_idle() noexcept {
  for (auto& connection : connections_) {
    if (!connection.idle()) continue;
    ++counters_.evicted;
    connection.leave();
    return;
  }
}

void HttpServer::request_stop(StopReason reason) noexcept {
  if (draining_) return;
  draining_ = true;
  accepting_.request_stop(std::move(reason));
  listener_.close();
  for (auto& connection : connections_) {
    if (connection.idle()) connection.leave();
  }
}

Task<CloseReport> HttpServer::close(Deadline deadline) {
  return close_.run(deadline, [this](Deadline d) { return close_body(d); });
}

Task<CloseReport> HttpServer::close_body(Deadline deadline) {
  struct KillUnlessDone {  // a close that meets its deadline is destroyed where it waits
    HttpServer& server;
    bool done = false;
    ~KillUnlessDone() {
      if (!done) server.kill();
    }
  } guard{*this};
  request_stop({StopCause::owner_closed, {}});
  closing_ = true;
  for (auto& connection : connections_) connection.end_stream();
  const auto answers_by = deadline.is_set() ? Deadline(deadline.at() - std::min(kForcingTime, deadline.left(loop_.now()) / 4)) : deadline;
  (void)co_await serving_.wait_idle(answers_by);
  auto report = co_await serving_.close(deadline);
  report.add("accept", co_await accepting_.close(deadline));
  guard.done = true;
  co_return report;
}

void HttpServer::kill() noexcept {
  request_stop({StopCause::owner_closed, {}});
  accepting_.kill();
  serving_.kill();
}

}  // namespace parley::net
