#include "net/http_connection.hpp"

#include <fmt/format.h>
#include <parley/async/within.hpp>
#include <parley/base/exception.hpp>

namespace parley::net {

namespace {

constexpr std::size_t kReadBytes = 16 * KiB;
// What a client may send on while its stream runs; it has nothing more to say there.
constexpr std::size_t kMaxBytesBesideStream = 16 * KiB;
constexpr std::size_t kMaxLingerBytes = 1 * MiB;
constexpr Duration kStreamStopLimit = 100ms;

ServerResponse plain(int status, std::string_view text) {
  ServerResponse response{.status = status, .fields = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = {}, .stream = {}};
  response.body = fmt::format("{}\n", text);
  return response;
}

bool has_no_body(int status) noexcept { return status < 200 || status == 204 || status == 304; }

}  // namespace

HttpConnection::HttpConnection(HttpServer& server, std::unique_ptr<TcpStream> stream)
    : server_(server), loop_(server.loop_), stream_(std::move(stream)), reader_(server.options_.limits) {
  server_.connections_.push_back(*this);
  ++server_.counters_.connections;
  ++server_.counters_.open;
}

HttpConnection::~HttpConnection() {
  --server_.counters_.open;
  server_.room_.set();
}

Task<void> HttpConnection::run() {
  for (std::size_t served = 1;; ++served) {
    auto request = co_await read_request();
    if (!request) {
      if (request.error().status == kNoAnswer) co_return;
      ++server_.counters_.faults;
      if (!co_await respond({}, plain(request.error().status, request.error().detail), true)) co_return;
      break;
    }
    ++server_.counters_.requests;
    const auto head = request->head;
    auto response = co_await handle(std::move(*request));
    if (!response) co_return;
    const bool last = !reader_.keep_alive() || served >= server_.options_.max_requests || server_.draining_ || response->stream;
    if (!co_await respond(head, std::move(*response), last)) co_return;
    if (last) break;
    reader_.next();
    co_await yield();  // requests that came all at once are not answered all at once
  }
  co_await linger();
}

Task<HttpResult<ServerRequest>> HttpConnection::read_request() {
  const auto& options = server_.options_;
  if (auto begun = reader_.feed({}); !begun) co_return std::unexpected(begun.error());
  if (auto came = co_await wait_for_first_byte(); !came) co_return std::unexpected(came.error());
  if (auto head = co_await read_until(&RequestReader::head_done, loop_.in(options.header), "header"); !head) {
    co_return std::unexpected(head.error());
  }
  if (!reader_.done() && same_name(reader_.head().fields.get("Expect"), "100-continue")) {
    if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n")) co_return std::unexpected(HttpFault{kNoAnswer, {}});
  }
  if (auto body = co_await read_until(&RequestReader::done, loop_.in(options.body), "body"); !body) {
    co_return std::unexpected(body.error());
  }
  auto target = parse_target(reader_.head().target);
  if (!target) co_return std::unexpected(HttpFault{400, target.error().message()});
  co_return ServerRequest{.head = reader_.head(),
                          .target = std::move(*target),
                          .body = reader_.take_body(),
                          .peer = stream_->peer(),
                          .deadline = loop_.in(options.handler)};
}

Task<HttpResult<>> HttpConnection::wait_for_first_byte() {
  if (!reader_.idle()) co_return HttpResult<>{};
  if (server_.draining_) co_return std::unexpected(HttpFault{kNoAnswer, {}});
  idle_ = true;
  unlink();
  server_.connections_.push_back(*this);
  server_.room_.set();
  const auto waited = co_await stream_->ready(Want::read, loop_.in(server_.options_.idle));
  idle_ = false;
  if (!waited) co_return std::unexpected(HttpFault{kNoAnswer, {}});
  co_return HttpResult<>{};
}

Task<HttpResult<>> HttpConnection::read_until(bool (RequestReader::*reached)() const noexcept, Deadline deadline, const char* what) {
  while (!(reader_.*reached)()) {
    const auto step = pull();
    if (!step) co_return std::unexpected(step.error());
    if (step->want == Want::nothing) continue;  // what the limits allow is soon read
    const auto waited = co_await stream_->ready(step->want, deadline);
    if (waited) continue;
    if (waited.error().code() != Errc::timeout || reader_.idle()) co_return std::unexpected(HttpFault{kNoAnswer, {}});
    ++server_.counters_.timeouts;
    co_return std::unexpected(HttpFault{408, fmt::format("the {} did not come in time", what)});
  }
  co_return HttpResult<>{};
}

// Reads once; the buffer lives only as long as that.
HttpResult<ByteStream::Step> HttpConnection::pull() {
  char buffer[kReadBytes];
  const auto step = stream_->try_read(buffer);
  if (!step || (step->want == Want::nothing && step->bytes == 0)) return std::unexpected(HttpFault{kNoAnswer, {}});
  if (auto fed = reader_.feed({buffer, step->bytes}); !fed) return std::unexpected(fed.error());
  return *step;
}

Task<std::optional<ServerResponse>> HttpConnection::handle(ServerRequest request) {
  std::optional<ServerResponse> response;
  Scope scope(server_.serving_, "request", 2);
  if (!scope.spawn("answer", answer(std::move(request), response, scope))) co_return std::nullopt;
  (void)scope.spawn("watch", watch_asker(scope));
  (void)co_await scope.stop_event().wait(Deadline::bounded_by_scope());
  (void)co_await scope.close(loop_.in(kStreamStopLimit));
  co_return std::move(response);
}

// A client that ends its side has hung up. Whether one that sends more before it was answered goes is seen afterwards.
Task<void> HttpConnection::watch_asker(Scope& scope) {
  if (!co_await stream_->ready(Want::read, Deadline::bounded_by_scope())) co_return;
  if (stream_->ended()) scope.request_stop({StopCause::caller_vanished, {}});
}

Task<void> HttpConnection::answer(ServerRequest request, std::optional<ServerResponse>& response, Scope& scope) {
  const auto method = request.head.method;
  const auto path = request.target.path;
  const auto deadline = request.deadline;
  try {
    auto answered = co_await within(deadline, server_.handler_(std::move(request)));
    if (!answered) server_.logger_.error("{} {} had no answer in time", method, path);
    response = answered ? std::move(*answered) : plain(503, "there was no answer in time; try again");
  } catch (const Stopped&) {
    throw;
  } catch (...) {
    server_.logger_.error("{} {} failed: {}", method, path, describe_current_exception());
  }
  if (!response) response = plain(500, "internal error");
  scope.request_stop({StopCause::finished, {}});
}

Task<bool> HttpConnection::respond(const RequestHead& head, ServerResponse response, bool last) {
  if (response.stream && server_.counters_.streams >= server_.options_.max_streams) {
    response = plain(503, "too many streams are open; try again later");
    response.fields.add("Retry-After", "5");
    last = true;
  }
  const bool chunked = response.stream && head.minor_version == 1;
  ResponseHead answer{.status = response.status, .minor_version = 1, .fields = std::move(response.fields)};
  answer.fields.set("Date", http_date(loop_.clock().wall()));
  if (chunked) answer.fields.set("Transfer-Encoding", "chunked");
  if (!response.stream && !has_no_body(response.status)) answer.fields.set("Content-Length", std::to_string(response.body.size()));
  if (last) {
    answer.fields.set("Connection", "close");
  } else if (head.minor_version == 0) {
    answer.fields.set("Connection", "keep-alive");
  }
  auto wire = to_wire(answer);
  if (!wire) {
    server_.logger_.error("an answer to {} {} cannot be sent: {}", head.method, head.target, wire.error().message());
    co_return false;
  }
  const bool with_body = head.method != "HEAD" && !has_no_body(response.status);
  if (with_body && !response.stream) wire->append(response.body);
  if (!co_await write(*wire)) co_return false;
  if (!with_body || !response.stream) co_return true;
  co_await send_stream(std::move(response.stream), chunked);
  if (stream_end_ != StreamEnd::complete) co_return false;
  co_return !chunked || co_await write(kLastChunk);
}

Task<bool> HttpConnection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto slice = bytes.substr(0, HttpServerOptions::kWriteSlice);
    if (auto written = co_await stream_->write(slice, loop_.in(server_.options_.write)); !written) {
      if (written.error().code() == Errc::timeout) ++server_.counters_.timeouts;
      co_return false;
    }
    bytes.remove_prefix(slice.size());
  }
  co_return true;
}

// Two tasks side by side, the one that sends and the one that sees the client go; the first to end ends the other.
Task<void> HttpConnection::send_stream(std::unique_ptr<BodySource> source, bool chunked) {
  struct Counted {
    HttpConnection& connection;
    explicit Counted(HttpConnection& c, Scope& scope) : connection(c) {
      connection.streaming_ = &scope;
      ++connection.server_.counters_.streams;
    }
    ~Counted() {
      connection.streaming_ = nullptr;
      --connection.server_.counters_.streams;
    }
  };
  Scope scope(server_.serving_, "stream", 2);
  const Counted counted(*this, scope);
  if (!scope.spawn("send", pump(*source, scope, chunked)) || !scope.spawn("watch", watch_client(scope))) co_return;
  if (server_.closing_) end_stream();
  (void)co_await scope.stop_event().wait(Deadline::bounded_by_scope());
  (void)co_await scope.close(loop_.in(kStreamStopLimit));
  // Ended by the server between two pieces: that is a proper end.
  const bool ended_here = stream_end_ == StreamEnd::pending && !client_gone_ && !sending_piece_;
  if (ended_here) stream_end_ = StreamEnd::complete;
}

Task<void> HttpConnection::pump(BodySource& source, Scope& scope, bool chunked) {
  while (stream_end_ == StreamEnd::pending) {
    auto piece = co_await source.next();
    if (!piece) {
      server_.logger_.warn("a stream was cut: {}", piece.error().message());
      stream_end_ = StreamEnd::broken;
    } else if (!*piece) {
      stream_end_ = StreamEnd::complete;
    } else if (!(*piece)->empty()) {
      const auto bytes = chunked ? to_chunk(**piece) : std::move(**piece);
      sending_piece_ = true;
      if (!co_await write(bytes)) stream_end_ = StreamEnd::broken;
      sending_piece_ = false;
    }
  }
  scope.request_stop({StopCause::finished, {}});
}

Task<void> HttpConnection::watch_client(Scope& scope) {
  char scratch[64];
  for (std::size_t came = 0; came <= kMaxBytesBesideStream;) {
    const auto count = co_await stream_->read(scratch, Deadline::bounded_by_scope());
    if (!count || *count == 0) break;
    came += *count;
  }
  client_gone_ = true;
  scope.request_stop({StopCause::caller_vanished, {}});
}

void HttpConnection::end_stream() noexcept {
  if (streaming_) streaming_->request_stop({StopCause::shutdown, {}});
}

// A close with unread bytes is a reset, which can overtake the last answer: let the client end first.
Task<void> HttpConnection::linger() {
  stream_->end_output();
  const auto deadline = loop_.in(server_.options_.linger);
  char scratch[1024];
  for (std::size_t came = 0; came < kMaxLingerBytes;) {
    const auto count = co_await stream_->read(scratch, deadline);
    if (!count || *count == 0) co_return;
    came += *count;
  }
}

}  // namespace parley::net
