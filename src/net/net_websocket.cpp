#include "net/net_websocket.hpp"

#include <functional>
#include <type_traits>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <fmt/format.h>

#include <parley/async/channel.hpp>
#include <parley/async/scope.hpp>

#include "async/real_loop.hpp"
#include "net/asio_op.hpp"
#include "net/dialer.hpp"

namespace parley::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

// A few kilobytes that the server does not take for so long: it is gone.
constexpr Duration kWriteLimit = 10s;
constexpr std::size_t kKeptBufferBytes = 64 * KiB;  // of a message's buffer, for the next one

// What Beast reads from and writes to: it notes what is asked for, and a task does it.
class Wire {
 public:
  using executor_type = asio::io_context::executor_type;
  using Done = std::move_only_function<void(error_code, std::size_t)>;

  explicit Wire(executor_type executor) : executor_(std::move(executor)) {}
  executor_type get_executor() const noexcept { return executor_; }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    into_ = {};
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers) && into_.empty(); ++it) {
      const asio::mutable_buffer one(*it);
      into_ = {static_cast<char*>(one.data()), one.size()};
    }
    begin(reading_, read_asked, into_.empty(), std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    outgoing_.resize(asio::buffer_size(buffers));
    asio::buffer_copy(asio::buffer(outgoing_), buffers);
    begin(writing_, write_asked, outgoing_.empty(), std::forward<Handler>(handler));
  }

  Event read_asked;
  Event write_asked;
  std::span<char> into() const noexcept { return into_; }
  const std::string& outgoing() const noexcept { return outgoing_; }

  void read_done(error_code ec, std::size_t count) { finish(reading_, read_asked, ec, count); }
  void write_done() { finish(writing_, write_asked, {}, outgoing_.size()); }
  // Nothing can be read or written any more.
  void break_off() {
    broken_ = true;
    if (reading_) finish(reading_, read_asked, asio::error::connection_reset, 0);
    if (writing_) finish(writing_, write_asked, asio::error::connection_reset, 0);
  }

 private:
  template <class Handler>
  void begin(Done& done, Event& asked, bool nothing, Handler&& handler) {
    done = std::forward<Handler>(handler);
    if (!nothing && !broken_) return asked.set();
    const error_code ec = broken_ ? error_code(asio::error::connection_reset) : error_code();
    asio::post(executor_, [then = std::move(done), ec]() mutable { then(ec, 0); });
    done = nullptr;
  }
  static void finish(Done& done, Event& asked, error_code ec, std::size_t count) {
    asked.reset();
    auto now = std::exchange(done, nullptr);
    now(ec, count);
  }

  executor_type executor_;
  std::span<char> into_;  // Beast's, until read_done()
  std::string outgoing_;
  Done reading_;
  Done writing_;
  bool broken_ = false;
};

// Beast's customisation points. The connection itself is ended by its owner.
void beast_close_socket(Wire& wire) { wire.break_off(); }
template <class Handler>
void async_teardown(beast::role_type, Wire& wire, Handler&& handler) {
  asio::post(wire.get_executor(), beast::bind_handler(std::forward<Handler>(handler), error_code()));
}

// How an operation of Beast ended.
struct Outcome {
  error_code ec;
};

// `start(done)` begins one; done(error_code, ...) ends it.
template <class Start>
auto beast_op(Deadline deadline, Start start) {
  return asio_op<Outcome>(deadline, nullptr, [start = std::move(start)](auto done) mutable {
    start([done = std::move(done)](error_code ec, auto...) mutable { done(error_code(), Outcome{ec}); });
  });
}

bool is_violation(error_code ec) {
  return ec.category() == error_code(websocket::error::closed).category() || ec.category() == error_code(http::error::bad_version).category();
}

class NetWebSocket final : public WebSocket {
 public:
  NetWebSocket(RealLoop& loop, Scope& parent, std::unique_ptr<ByteStream> stream, std::string shown, WebSocketTimes times)
      : loop_(loop),
        times_(times),
        shown_(std::move(shown)),
        stream_(std::move(stream)),
        ws_(loop.io().get_executor()),
        sending_(kMaxSending),
        received_(kMaxReceived),
        last_heard_(loop.now()),
        close_(parent, "websocket"),
        scope_(parent, "websocket") {
    ws_.read_message_max(kMaxMessageBytes);
    ws_.auto_fragment(false);
  }
  ~NetWebSocket() override { NetWebSocket::kill(); }

  Task<std::expected<void, WebSocketFailure>> shake_hands(Url url, HttpFields fields, Deadline deadline);

  Task<Result<void>> send(WebSocketMessage message, Deadline deadline) override;
  Task<Result<WebSocketMessage>> receive(Deadline deadline) override;
  const std::optional<WebSocketFarewell>& farewell() const noexcept override { return farewell_; }

  void request_stop(StopReason) noexcept override { sending_.close(); }
  Task<CloseReport> close(Deadline deadline) override {
    return close_.run(deadline, [this](Deadline d) { return say_goodbye_and_close(d); });
  }
  void kill() noexcept override {
    scope_.kill();
    end({Errc::closing, shown_ + ": the connection was closed"});
  }

 private:
  // A task that goes, however it goes, takes the connection with it.
  struct Ends {
    NetWebSocket& socket;
    ~Ends() { socket.end({Errc::closing, socket.shown_ + ": the connection was closed"}); }
  };

  Task<void> move_in();
  Task<void> move_out();
  Task<void> read();
  Task<void> write();
  Task<void> keep_alive();
  Task<CloseReport> say_goodbye_and_close(Deadline deadline);
  Result<void> spawn_all(std::initializer_list<std::pair<const char*, Task<void> (NetWebSocket::*)()>> tasks);
  Error explain(error_code ec) const;
  void end(Error why) noexcept;

  RealLoop& loop_;
  WebSocketTimes times_;
  std::string shown_;
  std::unique_ptr<ByteStream> stream_;
  websocket::response_type answer_;  // to the handshake
  beast::flat_buffer incoming_{kMaxMessageBytes};
  std::string outgoing_;
  websocket::stream<Wire, false> ws_;
  Channel<WebSocketMessage> sending_;
  Channel<WebSocketMessage> received_;
  TimePoint last_heard_;
  std::optional<Error> broken_;  // what the transport said
  std::optional<Error> why_;     // the first reason for the end
  std::optional<WebSocketFarewell> farewell_;
  CloseOnce close_;
  Scope scope_;
};

// ---- opening ----

Task<std::expected<void, WebSocketFailure>> NetWebSocket::shake_hands(Url url, HttpFields fields, Deadline deadline) {
  if (auto moving = spawn_all({{"in", &NetWebSocket::move_in}, {"out", &NetWebSocket::move_out}}); !moving) {
    co_return std::unexpected(WebSocketFailure{moving.error()});
  }
  ws_.set_option(websocket::stream_base::decorator([fields](websocket::request_type& request) {
    for (const auto& field : fields) request.set(field.name, field.value);
  }));
  const auto authority = url.authority();
  const auto shaken = co_await beast_op(deadline, [&](auto done) {
    ws_.async_handshake(answer_, authority, url.target, std::move(done));
  });
  if (!shaken) co_return std::unexpected(WebSocketFailure{{Errc::timeout, shown_ + " did not answer before the deadline"}});
  if (shaken->ec == websocket::error::upgrade_declined && answer_.result_int() != 101) {
    ClientResponse answer;
    answer.head.status = static_cast<int>(answer_.result_int());
    for (const auto& field : answer_) answer.head.fields.add(std::string(field.name_string()), std::string(field.value()));
    answer.body = std::move(answer_.body());
    Error error(Errc::refused, fmt::format("{} answers {} {}", shown_, answer.head.status, reason_phrase(answer.head.status)));
    co_return std::unexpected(WebSocketFailure{std::move(error), std::move(answer)});
  }
  if (shaken->ec) co_return std::unexpected(WebSocketFailure{explain(shaken->ec)});
  auto speaking = spawn_all({{"read", &NetWebSocket::read}, {"write", &NetWebSocket::write}, {"ping", &NetWebSocket::keep_alive}});
  if (!speaking) co_return std::unexpected(WebSocketFailure{speaking.error()});
  co_return std::expected<void, WebSocketFailure>{};
}

Result<void> NetWebSocket::spawn_all(std::initializer_list<std::pair<const char*, Task<void> (NetWebSocket::*)()>> tasks) {
  for (const auto& [name, body] : tasks) {
    if (auto spawned = scope_.spawn(name, (this->*body)()); !spawned) return spawned;
  }
  return {};
}

// ---- bytes ----

Task<void> NetWebSocket::move_in() {
  auto& wire = ws_.next_layer();
  for (;;) {
    (void)co_await wire.read_asked.wait(Deadline::bounded_by_scope());
    const auto count = co_await stream_->read(wire.into(), Deadline::bounded_by_scope());
    if (!count) {
      broken_ = count.error();
      co_return wire.break_off();
    }
    last_heard_ = loop_.now();
    wire.read_done(*count > 0 ? error_code() : error_code(asio::error::eof), *count);
  }
}

Task<void> NetWebSocket::move_out() {
  auto& wire = ws_.next_layer();
  for (;;) {
    (void)co_await wire.write_asked.wait(Deadline::bounded_by_scope());
    const auto written = co_await stream_->write(wire.outgoing(), loop_.in(kWriteLimit));
    if (!written) {
      broken_ = written.error().code() == Errc::timeout ? Error(Errc::unavailable, "it does not take what is sent") : written.error();
      co_return wire.break_off();
    }
    wire.write_done();
  }
}

// ---- messages ----

Task<void> NetWebSocket::read() {
  const Ends ends{*this};
  for (;;) {
    const auto done = co_await beast_op(Deadline::bounded_by_scope(), [this](auto handler) { ws_.async_read(incoming_, std::move(handler)); });
    if (!done) co_return;
    if (done->ec) {
      if (done->ec == websocket::error::closed) {
        const auto& reason = ws_.reason();
        farewell_ = {reason.code == websocket::close_code::none ? 1005 : reason.code, std::string(reason.reason.c_str())};
      }
      co_return end(explain(done->ec));
    }
    WebSocketMessage message{.binary = ws_.got_binary(),
                             .data = std::string(static_cast<const char*>(incoming_.data().data()), incoming_.size())};
    incoming_.clear();
    if (incoming_.capacity() > kKeptBufferBytes) incoming_.shrink_to_fit();
    (void)co_await received_.push(std::move(message), Deadline::bounded_by_scope());
  }
}

Task<void> NetWebSocket::write() {
  const Ends ends{*this};
  for (;;) {
    auto message = co_await sending_.pop(Deadline::bounded_by_scope());
    if (!message) break;
    ws_.binary(message->binary);
    outgoing_ = std::move(message->data);
    const auto done = co_await beast_op(Deadline::bounded_by_scope(),
                                        [this](auto handler) { ws_.async_write(asio::buffer(outgoing_), std::move(handler)); });
    if (!done) co_return;
    if (done->ec) co_return end(explain(done->ec));
  }
  // Nobody sends any more. A server that does not answer the goodbye has heard it all the same.
  (void)co_await beast_op(loop_.in(kGoodbyeLimit),
                          [this](auto handler) { ws_.async_close(websocket::close_code::normal, std::move(handler)); });
}

Task<void> NetWebSocket::keep_alive() {
  TimePoint asked{};  // when a sign was last asked for
  for (;;) {
    co_await sleep_until((asked > last_heard_ ? last_heard_ + times_.silence_limit : last_heard_ + times_.ping_after));
    if (received_.full()) last_heard_ = loop_.now();  // it is we who do not listen
    const auto silent = loop_.now() - last_heard_;
    if (silent >= times_.silence_limit) {
      co_return end({Errc::unavailable, fmt::format("{} fell silent: no sign of it for {} s", shown_, to_seconds(times_.silence_limit))});
    }
    if (silent < times_.ping_after || asked > last_heard_) continue;
    asked = loop_.now();
    (void)co_await beast_op(Deadline(last_heard_ + times_.silence_limit), [this](auto handler) { ws_.async_ping({}, std::move(handler)); });
  }
}

Task<Result<void>> NetWebSocket::send(WebSocketMessage message, Deadline deadline) {
  if (message.data.size() > kMaxMessageBytes) {
    co_return fail(Errc::invalid_argument, fmt::format("a message is longer than {} bytes", kMaxMessageBytes));
  }
  const auto taken = co_await sending_.push(std::move(message), deadline);
  if (taken || taken.error().code() == Errc::timeout || !why_) co_return taken;
  co_return fail(*why_);
}

Task<Result<WebSocketMessage>> NetWebSocket::receive(Deadline deadline) {
  auto message = co_await received_.pop(deadline);
  if (message || message.error().code() == Errc::timeout || !why_) co_return message;
  co_return fail(*why_);
}

// ---- endings ----

Error NetWebSocket::explain(error_code ec) const {
  if (ec == websocket::error::closed) {
    if (!farewell_ || farewell_->code == 1005) return {Errc::closing, shown_ + " closed the connection"};
    return {Errc::closing, fmt::format("{} closed the connection: {} {}", shown_, farewell_->code, farewell_->reason)};
  }
  if (broken_) return broken_->within(shown_);
  if (ec == asio::error::eof || ec == http::error::end_of_stream || ec == http::error::partial_message) {
    return {Errc::unavailable, shown_ + " cut the connection"};
  }
  if (ec == asio::error::operation_aborted) return {Errc::closing, shown_ + ": the connection was closed"};
  if (is_violation(ec)) return {Errc::protocol, fmt::format("{} does not speak WebSocket: {}", shown_, ec.message())};
  return net_error(ec.value()).within(shown_);
}

void NetWebSocket::end(Error why) noexcept {
  if (!why_) why_ = std::move(why);
  sending_.close();
  received_.close();
  stream_->close();
  scope_.request_stop({StopCause::finished, {}});
}

Task<CloseReport> NetWebSocket::say_goodbye_and_close(Deadline deadline) {
  sending_.close();
  (void)co_await scope_.wait_idle(deadline);
  stream_->close();
  co_return co_await scope_.close(deadline);
}

class NetWebSocketClient final : public WebSocketClient {
 public:
  NetWebSocketClient(RealLoop& loop, Scope& parent, HttpClientOptions options, WebSocketTimes times)
      : loop_(loop),
        times_(times),
        user_agent_(std::move(options.user_agent)),
        dialer_(loop, parent, std::move(options.proxies), std::move(options.tls), std::move(options.lookup)) {}

  Task<std::expected<std::unique_ptr<WebSocket>, WebSocketFailure>> connect(Scope& parent, WebSocketRequest request,
                                                                            Deadline deadline) override {
    const auto url = parse_url(request.url);
    if (!url) co_return std::unexpected(WebSocketFailure{url.error()});
    if (url->scheme != "ws" && url->scheme != "wss") {
      co_return std::unexpected(WebSocketFailure{{Errc::invalid_argument, url->shown() + " is no WebSocket: write it as wss:// or ws://"}});
    }
    if (!request.fields.has("User-Agent")) request.fields.add("User-Agent", user_agent_);
    if (!url->user_info.empty() && !request.fields.has("Authorization")) request.fields.add("Authorization", basic_credentials(*url));
    const auto wire = to_wire(RequestHead{.method = "GET", .target = url->target, .minor_version = 1, .fields = request.fields});
    if (!wire) co_return std::unexpected(WebSocketFailure{wire.error()});
    auto stream = co_await dialer_.dial(*url, deadline);
    if (!stream) co_return std::unexpected(WebSocketFailure{stream.error()});
    auto socket = std::make_unique<NetWebSocket>(loop_, parent, std::move(*stream), url->shown(), times_);
    auto shaken = co_await socket->shake_hands(*url, std::move(request.fields), deadline);
    if (!shaken) co_return std::unexpected(std::move(shaken.error()));
    co_return std::move(socket);
  }

 private:
  RealLoop& loop_;
  WebSocketTimes times_;
  std::string user_agent_;
  Dialer dialer_;
};

}  // namespace

std::unique_ptr<WebSocketClient> make_websocket_client(RealLoop& loop, Scope& parent, HttpClientOptions options, WebSocketTimes times) {
  return std::make_unique<NetWebSocketClient>(loop, parent, std::move(options), times);
}

}  // namespace parley::net
