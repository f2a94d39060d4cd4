#include "net/net_http_client.hpp"

#include <fmt/format.h>

#include "async/real_loop.hpp"
#include "net/connection_pool.hpp"
#include "net/dialer.hpp"

namespace parley::net {

namespace {

// A server may refuse a body while it is still being sent: how long its answer is looked for.
constexpr Duration kLastWordLimit = 200ms;

// RFC 9110, 9.2.2; anything else only with a key that makes it so.
bool repeatable(const ClientRequest& request) {
  for (const auto* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}) {
    if (request.method == method) return true;
  }
  return request.fields.has("Idempotency-Key");
}

class Stream final : public ResponseStream {
 public:
  Stream(std::unique_ptr<ClientConnection> connection, std::weak_ptr<ConnectionPool> pool, std::string shown)
      : head_(connection->reader.head()), connection_(std::move(connection)), pool_(std::move(pool)), shown_(std::move(shown)) {}

  const ResponseHead& head() const noexcept override { return head_; }
  Task<Result<std::string>> read(Deadline deadline) override;

 private:
  void finish();

  ResponseHead head_;
  std::unique_ptr<ClientConnection> connection_;  // null after the end
  std::weak_ptr<ConnectionPool> pool_;
  std::string shown_;
};

Task<Result<std::string>> Stream::read(Deadline deadline) {
  while (connection_) {
    auto& reader = connection_->reader;
    if (auto piece = reader.take_body(); !piece.empty()) co_return piece;
    if (reader.done()) {
      finish();
      break;
    }
    const auto advanced = co_await connection_->advance(deadline);
    if (advanced) continue;
    if (advanced.error().code() == Errc::timeout) co_return fail(Errc::timeout, shown_ + " sent nothing more before the deadline");
    connection_.reset();
    co_return fail(advanced.error().within(shown_));
  }
  co_return std::string();
}

void Stream::finish() {
  const auto pool = pool_.lock();
  if (pool && connection_->reusable && connection_->reader.keep_alive() && connection_->reader.clean()) pool->give(std::move(connection_));
  connection_.reset();
}

class NetHttpClient final : public HttpClient {
 public:
  NetHttpClient(RealLoop& loop, Scope& parent, HttpClientOptions options)
      : loop_(loop),
        user_agent_(std::move(options.user_agent)),
        pool_(std::make_shared<ConnectionPool>(loop)),
        dialer_(loop, parent, std::move(options.proxies), std::move(options.tls), std::move(options.lookup)) {}

  Task<Result<std::unique_ptr<ResponseStream>>> open(ClientRequest request, Deadline deadline) override;

 private:
  Result<std::string> wire_of(const Url& url, const ClientRequest& request) const;
  Task<Result<void>> exchange(ClientConnection& connection, std::string_view wire, std::string_view method, Deadline deadline);
  static Task<Result<void>> read_head(ClientConnection& connection, Deadline deadline);

  RealLoop& loop_;
  std::string user_agent_;
  std::shared_ptr<ConnectionPool> pool_;
  Dialer dialer_;
};

Task<Result<std::unique_ptr<ResponseStream>>> NetHttpClient::open(ClientRequest request, Deadline deadline) {
  const auto url = parse_url(request.url);
  if (!url) co_return fail(url.error());
  const auto wire = wire_of(*url, request);
  if (!wire) co_return fail(wire.error());
  const auto key = dialer_.key(*url);
  for (;;) {
    auto connection = pool_->take(key);
    if (!connection) {
      auto stream = co_await dialer_.dial(*url, deadline);
      if (!stream) co_return fail(stream.error());
      connection = std::make_unique<ClientConnection>();
      connection->key = key;
      connection->stream = std::move(*stream);
    }
    auto done = co_await exchange(*connection, *wire, request.method, deadline);
    if (done) co_return std::make_unique<Stream>(std::move(connection), pool_, url->shown());
    // A kept connection that the server has just dropped says nothing of the request.
    const bool again = connection->reused && !connection->reader.started() && done.error().code() == Errc::unavailable;
    if (again && repeatable(request)) continue;
    if (done.error().code() == Errc::timeout) co_return fail(Errc::timeout, url->shown() + " did not answer before the deadline");
    co_return fail(done.error().within(url->shown()));
  }
}

Result<std::string> NetHttpClient::wire_of(const Url& url, const ClientRequest& request) const {
  RequestHead head{.method = request.method, .target = url.target, .minor_version = 1, .fields = {}};
  const auto* proxy = dialer_.forwarding_proxy(url);
  if (proxy) head.target = fmt::format("{}://{}{}", url.scheme, url.authority(), url.target);
  head.fields = request.fields;
  for (const auto* ours : {"Host", "Content-Length", "Transfer-Encoding", "Connection"}) head.fields.remove(ours);
  head.fields.add("Host", url.authority());
  if (!head.fields.has("User-Agent")) head.fields.add("User-Agent", user_agent_);
  if (!url.user_info.empty() && !head.fields.has("Authorization")) head.fields.add("Authorization", basic_credentials(url));
  if (proxy && !proxy->user_info.empty()) head.fields.set("Proxy-Authorization", basic_credentials(*proxy));
  const bool with_body = !request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (with_body) head.fields.add("Content-Length", std::to_string(request.body.size()));
  auto wire = to_wire(head);
  if (wire) wire->append(request.body);
  return wire;
}

Task<Result<void>> NetHttpClient::exchange(ClientConnection& connection, std::string_view wire, std::string_view method,
                                           Deadline deadline) {
  connection.reader.expect(method);
  const auto written = co_await connection.stream->write(wire, deadline);
  if (written) co_return co_await read_head(connection, deadline);
  connection.reusable = false;
  if (written.error().code() != Errc::unavailable) co_return written;
  // It may have said why before it stopped listening.
  const auto head = co_await read_head(connection, deadline.within(loop_.in(kLastWordLimit)));
  co_return head ? Result<void>{} : written;
}

Task<Result<void>> NetHttpClient::read_head(ClientConnection& connection, Deadline deadline) {
  while (!connection.reader.head_done()) {
    if (auto advanced = co_await connection.advance(deadline); !advanced) co_return advanced;
  }
  co_return Result<void>{};
}

}  // namespace

std::unique_ptr<HttpClient> make_http_client(RealLoop& loop, Scope& parent, HttpClientOptions options) {
  return std::make_unique<NetHttpClient>(loop, parent, std::move(options));
}

}  // namespace parley::net
