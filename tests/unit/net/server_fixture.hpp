// An HTTP server with a few routes, on a free port of loopback.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <parley/async/channel.hpp>

#include "fixture.hpp"
#include "net/http_server.hpp"

namespace parley::net {

// A stream's pieces come from the test.
class PiecesFromTest final : public BodySource {
 public:
  struct Shared {
    Channel<std::string> pieces{64};
    bool destroyed = false;
    bool fails_at_end = false;
  };
  explicit PiecesFromTest(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  ~PiecesFromTest() override { shared_->destroyed = true; }

  Task<Result<std::optional<std::string>>> next() override {
    auto piece = co_await shared_->pieces.pop(Deadline::bounded_by_scope());
    if (piece) co_return std::optional(std::move(*piece));
    if (shared_->fails_at_end) co_return fail(Errc::unavailable, "the source broke");
    co_return std::nullopt;
  }

 private:
  std::shared_ptr<Shared> shared_;
};

class WithServer : public OnRealLoop {
 public:
  void SetUp() override {
    OnRealLoop::SetUp();
    options.name = "test";
    options.linger = 50ms;
  }
  void TearDown() override {
    server.reset();
    OnRealLoop::TearDown();
  }

  void listen() {
    auto made = HttpServer::listen(loop(), scope(), options, [this](ServerRequest r) { return handle(std::move(r)); });
    ASSERT_TRUE(made) << made.error().message();
    server = std::move(*made);
  }

  Task<RawClient> client() {
    auto connected = co_await RawClient::connect(loop(), server->endpoint());
    EXPECT_TRUE(connected);
    co_return std::move(*connected);
  }

  // Says `bytes`, returns all that comes until the server ends.
  Task<std::string> say(std::string bytes) {
    auto raw = co_await client();
    (void)co_await raw.send(std::move(bytes));
    co_return co_await raw.receive_all();
  }

  Task<ServerResponse> handle(ServerRequest request) {
    ++handled;
    const auto& path = request.target.path;
    ServerResponse response;
    if (path == "/echo") {
      response.body = request.head.method + " " + request.body;
    } else if (path == "/slow") {
      const Sets at_its_end{slow_over};
      slow_begun.set();
      (void)co_await release.wait(Deadline::bounded_by_scope());
      response.body = "released";
    } else if (path == "/throw") {
      throw std::runtime_error("secret detail");
    } else if (path == "/throw-int") {
      throw 42;
    } else if (path == "/split") {
      response.fields.add("X", "a\r\nSet-Cookie: b");
    } else if (path == "/big") {
      response.body.assign(8 * MiB, 'x');
    } else if (path == "/stream") {
      response.stream = std::make_unique<PiecesFromTest>(pieces);
    } else {
      response.status = 404;
    }
    co_return response;
  }

  HttpServerOptions options;
  std::unique_ptr<HttpServer> server;
  int handled = 0;
  Event release;
  struct Sets {
    Event& event;
    ~Sets() { event.set(); }
  };
  Event slow_begun, slow_over;  // of the handler of /slow, however it ends
  std::shared_ptr<PiecesFromTest::Shared> pieces = std::make_shared<PiecesFromTest::Shared>();
};

}  // namespace parley::net
