// A LiveKit server of the simulated world: it registers workers, offers jobs and assigns those that are taken, and does what a
// real one cannot be made to do.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/async/scope.hpp>

#include "livekit_agent.pb.h"
#include "net/websocket.hpp"

namespace parley::livekit {

class SimServer final : public net::WebSocketClient {
 public:
  static constexpr Duration kWay = 5ms;  // from the worker to the server

  struct Heard {
    TimePoint at;
    int connection;
    ::livekit::WorkerMessage message;
  };

  // ---- what it does wrong ----
  std::optional<net::WebSocketFailure> failure;  // of the next connects
  bool connect_hangs = false;
  bool registers = true;
  bool closes_after_registration = false;
  bool closes_before_registration = false;
  bool answers_pings = true;
  bool assigns = true;

  // ---- what it has heard ----
  std::vector<net::WebSocketRequest> requests;
  std::vector<TimePoint> dialled;
  std::vector<Heard> heard;
  int open = 0;

  std::vector<Heard> all(::livekit::WorkerMessage::MessageCase which) const {
    std::vector<Heard> found;
    for (const auto& one : heard) {
      if (one.message.message_case() == which) found.push_back(one);
    }
    return found;
  }
  // What was said of a job, in order.
  std::vector<::livekit::JobStatus> statuses(const std::string& job) const {
    std::vector<::livekit::JobStatus> said;
    for (const auto& one : heard) {
      if (one.message.has_update_job() && one.message.update_job().job_id() == job) said.push_back(one.message.update_job().status());
    }
    return said;
  }

  // ---- what it says ----
  static ::livekit::Job job(const std::string& id, const std::string& room = "lobby") {
    ::livekit::Job job;
    job.set_id(id);
    job.set_dispatch_id("AD_" + id);
    job.mutable_room()->set_sid("RM_1");
    job.mutable_room()->set_name(room);
    job.set_metadata("{}");
    job.set_agent_name("reception");
    return job;
  }
  bool say(const ::livekit::ServerMessage& message) { return say_bytes(message.SerializeAsString()); }
  bool say_bytes(std::string bytes, bool binary = true) { return present_ && present_->say({binary, std::move(bytes)}); }
  void offer(const ::livekit::Job& job) {
    ::livekit::ServerMessage message;
    *message.mutable_availability()->mutable_job() = job;
    if (say(message)) offered_[job.id()] = job;
  }
  void offer(const std::string& id) { offer(job(id)); }
  void assign(const ::livekit::Job& job, const std::string& url = {}) {
    ::livekit::ServerMessage message;
    *message.mutable_assignment()->mutable_job() = job;
    message.mutable_assignment()->set_token("token-of-" + job.id());
    if (!url.empty()) message.mutable_assignment()->set_url(url);
    say(message);
  }
  void terminate(const std::string& id) {
    ::livekit::ServerMessage message;
    message.mutable_termination()->set_job_id(id);
    say(message);
  }
  // The connection is gone, with everything that was on its way.
  void cut() {
    if (present_) present_->cut();
  }
  bool connected() const { return present_ != nullptr; }

  Task<std::expected<std::unique_ptr<net::WebSocket>, net::WebSocketFailure>> connect(Scope& parent, net::WebSocketRequest request,
                                                                                      Deadline deadline) override {
    requests.push_back(request);
    dialled.push_back(parent.loop().now());
    co_await sleep_for(kWay);
    if (connect_hangs) {
      co_await sleep_until(deadline.at());
      co_return std::unexpected(net::WebSocketFailure{{Errc::timeout, "ws://lk.example/agent did not answer before the deadline"}});
    }
    if (failure) co_return std::unexpected(*failure);
    auto socket = std::make_unique<Socket>(parent, *this, ++connections_);
    present_ = socket.get();
    if (closes_before_registration) socket->end({Errc::closing, "the server closed the connection"});
    co_return socket;
  }
  void refuse(int status, std::string body, net::HttpFields fields = {}) {
    net::ClientResponse answer;
    answer.head.status = status;
    answer.head.fields = std::move(fields);
    answer.body = std::move(body);
    failure = net::WebSocketFailure{{Errc::refused, "refused"}, std::move(answer)};
  }

 private:
  class Socket final : public net::WebSocket {
   public:
    Socket(Scope& parent, SimServer& server, int number)
        : loop_(parent.loop()), server_(server), number_(number), coming_(kRoom), going_(kRoom), scope_(parent, "socket") {
      ++server_.open;
      EXPECT_TRUE(scope_.spawn("serve", serve()));
    }
    ~Socket() override {
      scope_.kill();
      --server_.open;
      if (server_.present_ == this) server_.present_ = nullptr;
    }

    Task<Result<void>> send(net::WebSocketMessage message, Deadline deadline) override {
      EXPECT_TRUE(message.binary);
      if (!co_await coming_.push({std::move(message.data), loop_.now() + kWay}, deadline)) co_return fail(why_);
      co_return Result<void>{};
    }
    Task<Result<net::WebSocketMessage>> receive(Deadline deadline) override {
      auto message = co_await going_.pop(deadline);
      if (message || message.error().code() == Errc::timeout) co_return message;
      co_return fail(why_);
    }
    const std::optional<net::WebSocketFarewell>& farewell() const noexcept override { return farewell_; }
    void request_stop(StopReason) noexcept override { coming_.close(); }
    Task<CloseReport> close(Deadline deadline) override {
      coming_.close();
      (void)co_await scope_.wait_idle(deadline);
      co_return co_await scope_.close(deadline);
    }
    void kill() noexcept override { scope_.kill(); }

    bool say(net::WebSocketMessage message) { return !going_.closed() && going_.try_push(std::move(message)); }
    void cut() {
      while (coming_.try_pop()) {
      }
      while (going_.try_pop()) {
      }
      end({Errc::unavailable, "the connection was cut"});
    }
    void end(Error why) {
      why_ = std::move(why);
      coming_.close();
      going_.close();
      if (server_.present_ == this) server_.present_ = nullptr;
    }

   private:
    static constexpr std::size_t kRoom = 4096;
    struct Coming {
      std::string bytes;
      TimePoint at;
    };
    Task<void> serve() {
      for (;;) {
        auto next = co_await coming_.pop(Deadline::bounded_by_scope());
        if (!next) co_return end(why_);
        co_await sleep_until(next->at);
        if (coming_.closed() && going_.closed()) co_return;  // cut meanwhile
        ::livekit::WorkerMessage message;
        EXPECT_TRUE(message.ParseFromString(next->bytes));
        server_.heard.push_back({loop_.now(), number_, message});
        server_.on_message(message, *this);
      }
    }

    Loop& loop_;
    SimServer& server_;
    int number_;
    Channel<Coming> coming_;
    Channel<net::WebSocketMessage> going_;
    Error why_{Errc::closing, "the connection was closed"};
    std::optional<net::WebSocketFarewell> farewell_;
    Scope scope_;
  };

  void on_message(const ::livekit::WorkerMessage& message, Socket& socket) {
    ::livekit::ServerMessage answer;
    if (message.has_register_() && registers) {
      answer.mutable_register_()->set_worker_id("AW_" + std::to_string(connections_));
      answer.mutable_register_()->mutable_server_info()->set_version("1.13.5");
      socket.say({true, answer.SerializeAsString()});
      if (closes_after_registration) socket.end({Errc::closing, "the server closed the connection"});
    } else if (message.has_ping() && answers_pings) {
      answer.mutable_pong()->set_last_timestamp(message.ping().timestamp());
      socket.say({true, answer.SerializeAsString()});
    } else if (message.has_availability() && message.availability().available() && assigns) {
      assign(offered_[message.availability().job_id()]);
    }
  }

  Socket* present_ = nullptr;
  int connections_ = 0;
  std::map<std::string, ::livekit::Job> offered_;
};

}  // namespace parley::livekit
