// The real signal sockets, with somebody in between who changes what the server says and says things of his own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "livekit/room/proto.hpp"
#include "net/websocket.hpp"

namespace parley::livekit {

class MeddlingSockets final : public net::WebSocketClient {
 public:
  explicit MeddlingSockets(net::WebSocketClient& real) : real_(real) {}

  // Changes each message of the server's.
  std::function<void(proto::SignalResponse&)> change;
  // Our addresses are not told: the server can only answer to where it hears from.
  bool hide_our_addresses = false;

  // Said before the server's next message.
  void say(const proto::SignalResponse& said) { said_.push_back({.binary = true, .data = said.SerializeAsString()}); }
  void say_bytes(std::string bytes, bool binary = true) {
    said_.push_back({.binary = binary, .data = std::move(bytes)});
  }
  // From now on the connections that there are say nothing; new ones do.
  void deafen() noexcept { ++generation_; }
  bool said_all() const noexcept { return said_.empty(); }

  Task<std::expected<std::unique_ptr<net::WebSocket>, net::WebSocketFailure>> connect(Scope& parent,
                                                                                      net::WebSocketRequest request,
                                                                                      Deadline deadline) override {
    auto real = co_await real_.connect(parent, std::move(request), deadline);
    if (!real) co_return std::unexpected(std::move(real.error()));
    co_return std::make_unique<Socket>(*this, std::move(*real));
  }

 private:
  class Socket final : public net::WebSocket {
   public:
    Socket(MeddlingSockets& owner, std::unique_ptr<net::WebSocket> real) : owner_(owner), real_(std::move(real)) {}

    Task<Result<void>> send(net::WebSocketMessage message, Deadline deadline) override {
      proto::SignalRequest request;
      const bool told = !owner_.hide_our_addresses || !request.ParseFromString(message.data) || !request.has_trickle();
      if (!told) co_return Result<void>();
      co_return co_await real_->send(std::move(message), deadline);
    }
    Task<Result<net::WebSocketMessage>> receive(Deadline deadline) override {
      if (!pending_) {
        auto message = co_await real_->receive(deadline);
        while (message && generation_ != owner_.generation_) message = co_await real_->receive(deadline);
        if (!message) co_return message;
        pending_ = owner_.changed(std::move(*message));
      }
      if (!owner_.said_.empty() && joined_) {
        auto said = std::move(owner_.said_.front());
        owner_.said_.pop_front();
        co_return said;
      }
      joined_ = true;
      co_return *std::exchange(pending_, std::nullopt);
    }
    const std::optional<net::WebSocketFarewell>& farewell() const noexcept override { return real_->farewell(); }
    void request_stop(StopReason reason) noexcept override { real_->request_stop(std::move(reason)); }
    Task<CloseReport> close(Deadline deadline) override { return real_->close(deadline); }
    void kill() noexcept override { real_->kill(); }

   private:
    MeddlingSockets& owner_;
    std::unique_ptr<net::WebSocket> real_;
    std::optional<net::WebSocketMessage> pending_;
    int generation_ = owner_.generation_;
    bool joined_ = false;  // the first message is the server's own
  };

  net::WebSocketMessage changed(net::WebSocketMessage message) const {
    proto::SignalResponse response;
    if (!change || !response.ParseFromString(message.data)) return message;
    change(response);
    message.data = response.SerializeAsString();
    return message;
  }

  net::WebSocketClient& real_;
  int generation_ = 0;
  std::deque<net::WebSocketMessage> said_;
};

}  // namespace parley::livekit
