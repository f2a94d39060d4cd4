#include "livekit/room/signal_connection.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace parley::livekit {

namespace {

std::int64_t unix_ms(const Loop& loop) { return loop.clock().wall().time_since_epoch().count(); }

}  // namespace

SignalConnection::SignalConnection(Scope& parent)
    : loop_(parent.loop()),
      last_received_(loop_.now()),
      scope_(parent, "signal"),
      writer_scope_(parent, "signal writer", 1) {}

SignalConnection::~SignalConnection() { kill(); }

Task<SignalConnection::Dialled> SignalConnection::dial(net::WebSocketClient& client, std::string url,
                                                       const std::string& token, Deadline deadline) {
  net::WebSocketRequest request{.url = std::move(url), .fields = {}};
  request.fields.add("Authorization", "Bearer " + token);
  auto socket = co_await client.connect(scope_, std::move(request), deadline);
  if (!socket) co_return std::unexpected(std::move(socket.error()));
  socket_ = std::move(*socket);
  last_received_ = loop_.now();
  if (auto started = writer_scope_.spawn("signal writer", write()); !started) {
    co_return std::unexpected(net::WebSocketFailure{started.error()});
  }
  co_return Dialled();
}

void SignalConnection::set_pings(int interval_seconds, int timeout_seconds) {
  const auto sensible = [](int seconds) { return seconds > 0 && seconds <= kLongestPing / 1s; };
  if (sensible(interval_seconds)) ping_interval_ = interval_seconds * 1s;
  if (sensible(timeout_seconds)) ping_timeout_ = std::max<Duration>(timeout_seconds * 1s, ping_interval_);
  (void)send(ping());  // and the writer looks at its new interval
}

bool SignalConnection::send(const proto::SignalRequest& request) {
  auto bytes = request.SerializeAsString();
  return bytes.size() <= kMaxSignalBytes && outgoing_.try_push(std::move(bytes));
}

Task<void> SignalConnection::write() {
  auto pinged = loop_.now();
  for (;;) {
    auto bytes = co_await outgoing_.pop(Deadline(pinged + ping_interval_));
    if (!bytes && bytes.error().code() == Errc::closing) break;
    if (!bytes) {
      pinged = loop_.now();
      bytes = ping().SerializeAsString();
    }
    const auto sent = co_await socket_->send({.binary = true, .data = std::move(*bytes)}, loop_.in(kSendWithin));
    if (sent) continue;
    outgoing_.close();
    socket_->kill();  // a server that does not read: whoever receives learns that it is over
    break;
  }
  written_.set();
  if (!killed_) socket_->request_stop({StopCause::owner_closed, {}});
}

proto::SignalRequest SignalConnection::ping() const {
  proto::SignalRequest request;
  request.mutable_ping_req()->set_timestamp(unix_ms(loop_));
  if (round_trip_) request.mutable_ping_req()->set_rtt(*round_trip_ / 1ms);
  return request;
}

void SignalConnection::pong(const proto::SignalResponse& response) noexcept {
  if (!response.has_pong_resp()) return;
  const auto ms = unix_ms(loop_) - response.pong_resp().last_ping_timestamp();
  if (ms >= 0 && ms <= kPingTimeout / 1ms) round_trip_ = ms * 1ms;
}

Task<Result<proto::SignalResponse>> SignalConnection::receive(Deadline deadline) {
  if (!socket_) co_return fail(Errc::closing, "the signal connection is not open");
  for (;;) {
    const auto dead_at = last_received_ + ping_timeout_;
    auto message = co_await socket_->receive(deadline.within(Deadline(dead_at)));
    const auto now = loop_.now();
    if (!message && message.error().code() == Errc::timeout && now >= dead_at) {
      co_return fail(Errc::unavailable, fmt::format("the server said nothing for {:.0f} s", to_seconds(ping_timeout_)));
    }
    if (!message) co_return fail(message.error());
    last_received_ = now;
    proto::SignalResponse response;
    const bool readable =
        message->binary && message->data.size() <= kMaxSignalBytes && response.ParseFromString(message->data);
    if (!readable) {
      if (++malformed_ > kMaxMalformed)
        co_return fail(Errc::protocol, "the server sends messages that are none of LiveKit's");
      co_return fail(Errc::invalid_argument,
                     fmt::format("a signal message of {} bytes cannot be read", message->data.size()));
    }
    if (response.message_case() != proto::SignalResponse::kPong && !response.has_pong_resp()) co_return response;
    pong(response);
  }
}

void SignalConnection::finish() noexcept { outgoing_.close(); }

Task<void> SignalConnection::close(Deadline deadline) {
  finish();
  if (!socket_) co_return;
  (void)co_await written_.wait(deadline);
  (void)co_await socket_->close(deadline);
}

void SignalConnection::kill() noexcept {
  killed_ = true;
  outgoing_.close();
  writer_scope_.kill();
  if (socket_) socket_->kill();
  scope_.kill();
}

}  // namespace parley::livekit
