// WebSockets of the simulated world: behind each is a conversation of the fakes, and what goes wrong with it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/async/scope.hpp>

#include "fakes/conversation.hpp"
#include "net/websocket.hpp"

namespace parley {

struct SocketScript {
  std::optional<net::WebSocketFailure> failure;  // of the next connects
  bool connect_hangs = false;
  std::optional<int> cut_after;                  // messages of the server's
  std::optional<int> silent_after;
  std::function<bool(std::string_view)> ignores; // messages of the client's, which the server does not hear
};

class SimSocket final : public net::WebSocket {
 public:
  SimSocket(Scope& parent, std::unique_ptr<fakes::Conversation> conversation, SocketScript script, int& open, std::vector<std::string>& told)
      : loop_(parent.loop()),
        conversation_(std::move(conversation)),
        script_(std::move(script)),
        open_(open),
        told_(told),
        received_(kMaxReceived),
        scope_(parent, "websocket") {
    ++open_;
    EXPECT_TRUE(scope_.spawn("serve", serve()));
  }
  ~SimSocket() override {
    scope_.kill();
    --open_;
  }

  Task<Result<void>> send(net::WebSocketMessage message, Deadline) override {
    co_await sleep_for(1ms);
    if (received_.closed()) co_return fail(Errc::closing, "closed");
    if (!message.binary) told_.push_back(message.data);
    if (!message.binary && script_.ignores && script_.ignores(message.data)) co_return Result<void>{};
    if (message.binary) {
      conversation_->on_binary(message.data, loop_.now());
    } else {
      conversation_->on_text(message.data, loop_.now());
    }
    input_.set();
    co_return Result<void>{};
  }
  Task<Result<net::WebSocketMessage>> receive(Deadline deadline) override {
    auto message = co_await received_.pop(deadline);
    if (message || message.error().code() == Errc::timeout) co_return message;
    co_return fail(why_);
  }
  const std::optional<net::WebSocketFarewell>& farewell() const noexcept override { return farewell_; }
  void request_stop(StopReason) noexcept override { end({Errc::closing, "closed"}); }
  Task<CloseReport> close(Deadline deadline) override { return scope_.close(deadline); }
  void kill() noexcept override {
    scope_.kill();
    received_.close();
  }

 private:
  Task<void> serve() {
    const struct Ends {
      SimSocket& socket;
      ~Ends() { socket.received_.close(); }
    } ends{*this};
    for (int said = 0;;) {
      if (auto message = conversation_->next(loop_.now())) {
        if (script_.cut_after && said >= *script_.cut_after) co_return end({Errc::unavailable, "the server cut the connection"});
        if (script_.silent_after && said >= *script_.silent_after) continue;
        ++said;
        (void)co_await received_.push({message->binary, std::move(message->data)}, Deadline::bounded_by_scope());
        continue;
      }
      if (const auto& end_of_talk = conversation_->end()) {
        farewell_ = {end_of_talk->code, end_of_talk->reason};
        co_return end({Errc::closing, "the server closed the connection: " + end_of_talk->reason});
      }
      const auto due = conversation_->due();
      (void)co_await input_.wait(due ? Deadline(*due) : Deadline::bounded_by_scope());
      input_.reset();
    }
  }
  void end(Error why) {
    why_ = std::move(why);
    received_.close();
  }

  Loop& loop_;
  std::unique_ptr<fakes::Conversation> conversation_;
  SocketScript script_;
  int& open_;
  std::vector<std::string>& told_;
  Channel<net::WebSocketMessage> received_;
  Event input_;
  Error why_{Errc::closing, "the connection was closed"};
  std::optional<net::WebSocketFarewell> farewell_;
  Scope scope_;
};

class SimSockets final : public net::WebSocketClient {
 public:
  using Make = std::function<std::unique_ptr<fakes::Conversation>(TimePoint now)>;
  explicit SimSockets(Make make) : make_(std::move(make)) {}

  Task<std::expected<std::unique_ptr<net::WebSocket>, net::WebSocketFailure>> connect(Scope& parent, net::WebSocketRequest request,
                                                                                      Deadline deadline) override {
    requests.push_back(request);
    co_await sleep_for(20ms);
    if (script.connect_hangs) {
      co_await sleep_until(deadline.at());
      co_return std::unexpected(net::WebSocketFailure{{Errc::timeout, "wss://api.deepgram.com/ did not answer before the deadline"}});
    }
    if (script.failure) co_return std::unexpected(*script.failure);
    co_return std::make_unique<SimSocket>(parent, make_(parent.loop().now()), script, open, told);
  }

  // An answer other than 101.
  void refuse(int status, std::string body, net::HttpFields fields = {}) {
    net::ClientResponse answer;
    answer.head.status = status;
    answer.head.fields = std::move(fields);
    answer.body = std::move(body);
    script.failure = net::WebSocketFailure{{Errc::refused, "refused"}, std::move(answer)};
  }

  SocketScript script;
  std::vector<net::WebSocketRequest> requests;
  std::vector<std::string> told;  // text messages of the client's
  int open = 0;

 private:
  Make make_;
};

}  // namespace parley
