// One socket to the server: dialled, registered on, served until it is lost.
//
// Three tasks: one reads and answers, one tells what is to be told when it is due, one sends.
//
// Thread: the loop's only.
// Bound:  kMaxOutgoing messages on their way out (who reads waits then); kMaxBroken messages that are none; every send
//         kSendWithin.
// Ending: leave() says goodbye; destroying the task of run() ends the connection at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <parley/async/channel.hpp>
#include <parley/async/event.hpp>
#include <parley/async/scope.hpp>

#include "livekit/worker/agent_worker.hpp"
#include "livekit/worker/job_desk.hpp"
#include "livekit/worker/wire.hpp"
#include "net/websocket.hpp"

namespace parley::livekit {

// How a registration, or the attempt at one, ended.
struct RegistrationEnd {
  Error why;
  bool registered = false;
  Duration retry_after{};  // what the server asks for
};

class Registration {
 public:
  static constexpr std::size_t kMaxOutgoing = 64;
  static constexpr int kMaxBroken = 16;
  static constexpr Duration kSendWithin = 10s;
  static constexpr Duration kCoalesce = 100ms;  // between two words on our state
  static constexpr Duration kGoodbyeWithin = 500ms;

  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_registered(const wire::Registered& as) = 0;
    virtual void on_healthy() = 0;  // registered for kHealthyAfter
    virtual void on_flushed() = 0;
  };

  // All must outlive it. `server` is its address as people may see it.
  Registration(Scope& parent, std::string server, const AgentWorkerSettings& settings, JobDesk& desk,
               AgentWorker::Counters& counters, Owner& owner);
  ~Registration();

  Task<RegistrationEnd> run(net::WebSocketClient& sockets, net::WebSocketRequest request);

  bool registered() const noexcept { return registered_; }
  // There is something to tell of jobs.
  void tell() noexcept { wake_.set(); }
  // And of us.
  void state_changed() noexcept;
  // on_flushed() is called when the server has read everything.
  void flush() noexcept;
  void leave() noexcept { lose({Errc::closing, "the worker is closed"}); }

 private:
  Task<Result<void>> register_worker();
  Task<void> read();
  Task<void> tell_all();
  Task<void> write();

  std::optional<std::string> answer_to(wire::ServerSays said);
  Result<wire::ServerSays> understand(const net::WebSocketMessage& message);
  void on_pong(std::int64_t of);
  TimePoint next_due() const;
  std::vector<std::string> due_messages();
  void lose(Error why) noexcept;
  RegistrationEnd failed(net::WebSocketFailure failure) const;

  Loop& loop_;
  std::string server_;
  const AgentWorkerSettings& settings_;
  JobDesk& desk_;
  AgentWorker::Counters& counters_;
  Owner& owner_;

  bool registered_ = false;
  bool healthy_ = false;
  TimePoint registered_at_{};
  TimePoint heard_{};       // the server, last
  TimePoint state_told_{};  // our state, last
  TimePoint pinged_{};
  std::uint64_t seq_ = 0;
  std::int64_t mark_ = 0;  // the timestamp of the last ping; marks only grow
  bool state_changed_ = true;
  bool flushing_ = false;
  std::optional<std::int64_t> flush_mark_;
  int broken_ = 0;

  Event wake_;
  Event ended_;
  std::optional<Error> why_;
  Channel<std::string> outgoing_;
  Scope connection_;  // the socket's
  std::unique_ptr<net::WebSocket> socket_;
  Scope scope_;
};

}  // namespace parley::livekit
