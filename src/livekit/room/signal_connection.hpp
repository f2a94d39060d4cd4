// One signal socket of a room: messages both ways, a sign of life now and then, an end.
//
// Thread: the loop's only.
// Bound:  messages of kMaxSignalBytes, kMaxOutgoing of them on their way out, each taken within kSendWithin; kMaxMalformed
//         that cannot be read, then the connection counts as broken. A server that says nothing for ping_timeout is gone.
// Ending: finish() lets what is queued go out, then says goodbye; close() waits for that; kill() and the destructor end it at
//         once.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <parley/async/channel.hpp>
#include <parley/async/scope.hpp>

#include "livekit/room/proto.hpp"
#include "net/websocket.hpp"

namespace parley::livekit {

class SignalConnection {
 public:
  static constexpr std::size_t kMaxSignalBytes = 2 * MiB;
  static constexpr std::size_t kMaxOutgoing = 128;
  static constexpr int kMaxMalformed = 16;
  static constexpr Duration kSendWithin = 5s;
  static constexpr Duration kPingInterval = 5s;  // until the server has said its own
  static constexpr Duration kPingTimeout = 15s;
  static constexpr Duration kLongestPing = 60s;  // whatever it says

  explicit SignalConnection(Scope& parent);
  ~SignalConnection();
  SignalConnection(const SignalConnection&) = delete;
  SignalConnection& operator=(const SignalConnection&) = delete;

  // Once, before all else.
  using Dialled = std::expected<void, net::WebSocketFailure>;
  Task<Dialled> dial(net::WebSocketClient& client, std::string url, const std::string& token, Deadline deadline);

  // As the server wants it (JoinResponse), in seconds; values that make no sense are left aside.
  void set_pings(int interval_seconds, int timeout_seconds);

  // Queues it. False: too long, the queue is full, or the connection is ending.
  bool send(const proto::SignalRequest& request);

  // The next message; pongs are taken out. Errc::timeout: nothing by the deadline. Errc::invalid_argument: one that could not
  // be read, the connection goes on. Every other error: it has ended.
  Task<Result<proto::SignalResponse>> receive(Deadline deadline);

  TimePoint last_received() const noexcept { return last_received_; }
  std::optional<Duration> round_trip() const noexcept { return round_trip_; }

  void finish() noexcept;
  Task<void> close(Deadline deadline);
  void kill() noexcept;

 private:
  Task<void> write();
  proto::SignalRequest ping() const;
  void pong(const proto::SignalResponse& response) noexcept;

  Loop& loop_;
  Channel<std::string> outgoing_{kMaxOutgoing};
  Duration ping_interval_ = kPingInterval;
  Duration ping_timeout_ = kPingTimeout;
  TimePoint last_received_{};
  std::optional<Duration> round_trip_;
  int malformed_ = 0;
  bool killed_ = false;
  Event written_;  // the writer has ended
  Scope scope_;
  std::unique_ptr<net::WebSocket> socket_;  // lives in scope_, which is told first and outlives it
  Scope writer_scope_;                      // last: its task uses everything above
};

}  // namespace parley::livekit
