// The door of a server's signal port, which can be shut: what comes in is cut off, newcomers find nobody.
//
// Thread: the loop's only. Bound: kMaxConnections. Ending: with the scope.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "net/tcp.hpp"

namespace parley::livekit {

class SignalRelay {
 public:
  static constexpr std::size_t kMaxConnections = 64;

  SignalRelay(RealLoop& loop, Scope& parent, std::uint16_t server_port)
      : loop_(loop),
        server_{"127.0.0.1", server_port},
        listener_(net::TcpListener::listen(loop, {"127.0.0.1", 0}).value()),
        scope_(parent, "relay", 256) {
    (void)scope_.spawn("accept", accept(*this));
  }

  std::string url() const { return "ws://" + net::to_string(listener_.endpoint()); }
  std::size_t accepted() const noexcept { return accepted_; }

  void shut() noexcept {
    shut_ = true;
    cut();
  }
  // What is connected now is cut, newcomers get through.
  void cut() noexcept {
    for (const auto& pair : pairs_) {
      pair->client->end_input();
      pair->server->end_input();
    }
  }
  void open() noexcept { shut_ = false; }

 private:
  struct Pair {
    std::unique_ptr<net::TcpStream> client;
    std::unique_ptr<net::TcpStream> server;
  };

  static Task<void> accept(SignalRelay& self) {
    for (;;) {
      auto client = co_await self.listener_.accept(Deadline::bounded_by_scope());
      if (!client) co_return;
      ++self.accepted_;
      if (self.shut_ || self.pairs_.size() >= kMaxConnections) continue;
      (void)self.scope_.spawn("relay", serve(self, std::move(*client)));
    }
  }
  static Task<void> serve(SignalRelay& self, std::unique_ptr<net::TcpStream> client) {
    auto server = co_await net::TcpStream::connect(self.loop_, self.server_, self.loop_.in(5s));
    if (!server || self.shut_) co_return;
    const auto pair = std::make_shared<Pair>(std::move(client), std::move(*server));
    self.pairs_.push_back(pair);
    (void)self.scope_.spawn("to server", pump(self, pair, *pair->client, *pair->server));
    (void)self.scope_.spawn("to client", pump(self, pair, *pair->server, *pair->client));
  }
  static Task<void> pump(SignalRelay& self, std::shared_ptr<Pair> pair, net::TcpStream& from, net::TcpStream& to) {
    std::array<char, 16 * KiB> buffer;
    for (;;) {
      const auto count = co_await from.read(buffer, Deadline::bounded_by_scope());
      if (!count || *count == 0) break;
      if (const auto written = co_await to.write({buffer.data(), *count}, self.loop_.in(5s)); !written) break;
    }
    pair->client->end_input();
    pair->server->end_input();
    pair->client->end_output();
    pair->server->end_output();
    std::erase(self.pairs_, pair);
  }

  RealLoop& loop_;
  net::Endpoint server_;
  net::TcpListener listener_;
  bool shut_ = false;
  std::size_t accepted_ = 0;
  std::vector<std::shared_ptr<Pair>> pairs_;
  Scope scope_;
};

}  // namespace parley::livekit
