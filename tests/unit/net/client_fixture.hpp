// An HTTP client, and a server that says exactly what a test tells it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "fixture.hpp"
#include "net/net_http_client.hpp"

namespace parley::net {

class WithClient : public OnRealLoop {
 public:
  void SetUp() override {
    OnRealLoop::SetUp();
    playing.emplace(loop(), "server");
  }
  void TearDown() override {
    client.reset();
    playing.reset();
    OnRealLoop::TearDown();
  }

  void make_client(HttpClientOptions options = {}) { client = make_http_client(loop(), scope(), std::move(options)); }

  // A server whose connections, counted from 1, each play `part`. Returns its port.
  using Part = std::function<Task<void>(RawClient connection, int number)>;
  std::uint16_t play(Part part) {
    auto listener = TcpListener::listen(loop(), {"127.0.0.1", 0});
    const auto port = listener.value().endpoint().port;
    EXPECT_TRUE(playing->spawn("accept", accept(*this, std::move(*listener), std::move(part))));
    return port;
  }
  // A part: reads a request, then says `answer`, then ends.
  Part answering(std::string answer) {
    return [this, answer](RawClient connection, int) { return answer_once(*this, std::move(connection), answer); };
  }

  static std::string url(std::uint16_t port, std::string_view path = "/") { return fmt::format("http://127.0.0.1:{}{}", port, path); }

  Task<Result<ClientResponse>> get(std::string where, Duration limit = 5s) {
    co_return co_await client->send({.method = "GET", .url = std::move(where), .fields = {}, .body = {}}, in(limit));
  }

  std::unique_ptr<HttpClient> client;
  std::optional<Scope> playing;
  int connections = 0;
  std::string request;  // the head of the latest

 private:
  static Task<void> accept(WithClient& t, TcpListener listener, Part part) {
    for (;;) {
      auto stream = co_await listener.accept(Deadline::bounded_by_scope());
      CO_ASSERT_OK(stream);
      ++t.connections;
      EXPECT_TRUE(t.playing->spawn("play", part(RawClient(t.loop(), std::move(*stream)), t.connections)));
    }
  }
  static Task<void> answer_once(WithClient& t, RawClient connection, std::string answer) {
    t.request = co_await connection.receive_head();
    (void)co_await connection.send(std::move(answer));
  }
};

}  // namespace parley::net
