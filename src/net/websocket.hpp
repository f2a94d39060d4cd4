// WebSockets, from the client's side: the seam that providers use, so that tests and the simulation can answer in a
// server's place.
//
// Thread: the loop's only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <parley/async/close.hpp>
#include <parley/async/stop.hpp>
#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

#include "net/http_client.hpp"

namespace parley::net {

struct WebSocketMessage {
  bool binary = false;
  std::string data;  // of a text message: UTF-8
};

// How a server said goodbye (RFC 6455, 7.4.1).
struct WebSocketFarewell {
  int code = 1005;  // 1005: it gave none
  std::string reason;
};

// One connection. One task sends and one task receives at a time.
//
// Bound:  messages of kMaxMessageBytes; kMaxSending of them on their way out, kMaxReceived on their way in: who sends waits
//         then, and the server is not read.
// Ending: the three verbs. request_stop() lets what is under way go out, each piece within its own time, then says goodbye for at
//         most kGoodbyeLimit; close() bounds the whole by its deadline.
//         Destroying it, or the scope that it was opened in, ends the connection at once.
class WebSocket {
 public:
  static constexpr std::size_t kMaxMessageBytes = 4 * MiB;
  static constexpr std::size_t kMaxSending = 16;
  static constexpr std::size_t kMaxReceived = 16;
  static constexpr Duration kGoodbyeLimit = 1s;

  virtual ~WebSocket() = default;

  // Returns when there is room for it; Errc::timeout: there was none by then, and it was not taken. Any other error: the
  // connection has ended.
  virtual Task<Result<void>> send(WebSocketMessage message, Deadline deadline) = 0;
  // Errc::timeout: nothing came, the connection goes on. Errc::closing: it was closed in order, by farewell() if that was
  // the server. Errc::unavailable: cut, or fallen silent. Errc::protocol: what came was no WebSocket's.
  virtual Task<Result<WebSocketMessage>> receive(Deadline deadline) = 0;
  // Set once the server has said goodbye and receive() has said closing.
  virtual const std::optional<WebSocketFarewell>& farewell() const noexcept = 0;

  virtual void request_stop(StopReason reason) noexcept = 0;
  virtual Task<CloseReport> close(Deadline deadline) = 0;
  virtual void kill() noexcept = 0;
};

struct WebSocketRequest {
  std::string url;  // ws:// or wss://
  HttpFields fields;
};

// Why there is no connection. Errors are those of HttpClient::open; where the server answered with another status than
// 101 its answer is there, and the error is Errc::refused.
struct WebSocketFailure {
  Error error;
  std::optional<ClientResponse> answer{};
};

class WebSocketClient {
 public:
  virtual ~WebSocketClient() = default;

  // The connection lives in a child of `parent`, which it must not outlive.
  virtual Task<std::expected<std::unique_ptr<WebSocket>, WebSocketFailure>> connect(Scope& parent, WebSocketRequest request,
                                                                                    Deadline deadline) = 0;
};

}  // namespace parley::net
