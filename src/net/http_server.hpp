// An HTTP/1.1 server: one address, one handler.
//
// Thread: the loop's only.
// Bound:  HttpServerOptions. Every wait of a connection has a deadline, but for the wait for a stream's next piece, which
//         the client's end ends. When all connections are taken an idle one makes room; else newcomers wait in the kernel.
// Ending: request_stop() ends the listening and the idle connections; answers under way are given, streams go on.
//         close() then ends the streams properly and waits for the answers; kill() drops everything.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/intrusive/list.hpp>

#include <parley/async/close.hpp>
#include <parley/async/scope.hpp>

#include "net/endpoint.hpp"
#include "net/http.hpp"
#include "net/http_parser.hpp"
#include "net/tcp.hpp"
#include "net/url.hpp"

namespace parley::net {

// A body that is sent while it is made.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // The next piece; nullopt: that was all. Not called again before the piece is sent. Destroyed in its wait when the client
  // goes or the server closes. An error cuts the connection, so that the client sees that something is missing.
  virtual Task<Result<std::optional<std::string>>> next() = 0;
};

struct ServerRequest {
  RequestHead head;
  Target target;  // decoded
  std::string body;
  Endpoint peer;
  Deadline deadline = Deadline::bounded_by_scope();  // the answer's
};

// Content-Length, Transfer-Encoding, Connection and Date are the server's to write.
struct ServerResponse {
  int status = 200;
  HttpFields fields;
  std::string body;
  std::unique_ptr<BodySource> stream;  // in place of `body`
};

struct HttpServerOptions {
  std::string name = "http";  // in logs and reports
  Endpoint at{.address = "127.0.0.1", .port = 0};
  HttpLimits limits;
  std::size_t max_connections = 256;
  std::size_t max_streams = 192;  // of the connections; the others stay free for short answers
  std::size_t max_requests = 1000;  // of one connection
  Duration idle = 30s;     // between requests, and before the first byte of the first
  Duration header = 10s;   // from a request's first byte to the end of its header
  Duration body = 10s;     // from there to the end of its body
  Duration handler = 30s;  // for the answer
  Duration write = 10s;    // for each kWriteSlice, and each piece of a stream
  Duration linger = 1s;    // for the client to take the last answer before the connection is dropped

  static constexpr std::size_t kWriteSlice = 64 * KiB;
};

struct HttpServerCounters {
  std::uint64_t connections = 0;  // accepted
  std::uint64_t requests = 0;
  std::uint64_t faults = 0;    // malformed or too large
  std::uint64_t timeouts = 0;  // of a client: header, body or write
  std::uint64_t evicted = 0;   // idle connections that made room
  std::size_t open = 0;
  std::size_t streams = 0;
};

class HttpConnection;

class HttpServer {
 public:
  // May throw or return any status; an exception is answered by 500 and logged.
  using Handler = std::function<Task<ServerResponse>(ServerRequest)>;

  // Listens at once. Errors say which port and what to do.
  static Result<std::unique_ptr<HttpServer>> listen(RealLoop& loop, Scope& parent, HttpServerOptions options, Handler handler);
  ~HttpServer();

  void request_stop(StopReason reason) noexcept;
  Task<CloseReport> close(Deadline deadline);
  void kill() noexcept;

  Endpoint endpoint() const { return endpoint_; }
  const HttpServerCounters& counters() const noexcept { return counters_; }

 private:
  friend class HttpConnection;
  HttpServer(Scope& parent, HttpServerOptions options, Handler handler, TcpListener listener);

  using Hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
  using ConnectionList = boost::intrusive::list<HttpConnection, boost::intrusive::base_hook<Hook>,
                                                boost::intrusive::constant_time_size<false>>;

  static constexpr Duration kPauseWhenExhausted = 100ms;
  static constexpr Duration kForcingTime = 50ms;  // of a close: from telling the answers to end to its deadline

  Task<void> accept_all();
  static Task<void> serve(std::unique_ptr<HttpConnection> connection);
  void evict_idle() noexcept;
  Task<CloseReport> close_body(Deadline deadline);

  Loop& loop_;
  HttpServerOptions options_;
  Handler handler_;
  TcpListener listener_;
  Endpoint endpoint_;
  Logger logger_;
  HttpServerCounters counters_;
  bool draining_ = false;
  bool closing_ = false;
  Event room_;  // a connection has ended or become idle
  ConnectionList connections_;  // longest idle first among the idle
  CloseOnce close_;
  Scope serving_;
  Scope accepting_;
};

}  // namespace parley::net
