// One connection of the HTTP server: requests in, answers out, one after the other.
//
// Thread: the loop's only; lives in the frame of its task.
#pragma once

#include <memory>
#include <optional>

#include "net/http_server.hpp"

namespace parley::net {

class HttpConnection : public HttpServer::Hook {
 public:
  HttpConnection(HttpServer& server, std::unique_ptr<TcpStream> stream);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  Task<void> run();

  bool idle() const noexcept { return idle_; }
  // For the server: ends an idle connection, as if the client had gone.
  void leave() noexcept {
    if (stream_->quiet()) stream_->end_input();  // a request that has come is answered
  }
  // For the server: ends a stream, properly if no piece is half sent.
  void end_stream() noexcept;

 private:
  // What is answered with status 0 is not answered: the client has gone, or was never there.
  static constexpr int kNoAnswer = 0;

  Task<HttpResult<ServerRequest>> read_request();
  Task<HttpResult<>> read_until(bool (RequestReader::*reached)() const noexcept, Deadline deadline, const char* what);
  Task<HttpResult<>> wait_for_first_byte();
  HttpResult<ByteStream::Step> pull();

  // The handler's answer. None: the client left before it came, and the handler was ended.
  Task<std::optional<ServerResponse>> handle(ServerRequest request);
  Task<void> answer(ServerRequest request, std::optional<ServerResponse>& response, Scope& scope);
  Task<void> watch_asker(Scope& scope);
  // False: the connection is of no more use, not even for lingering.
  Task<bool> respond(const RequestHead& head, ServerResponse response, bool last);
  Task<bool> write(std::string_view bytes);
  Task<void> send_stream(std::unique_ptr<BodySource> source, bool chunked);
  Task<void> pump(BodySource& source, Scope& scope, bool chunked);
  Task<void> watch_client(Scope& scope);
  Task<void> linger();

  enum class StreamEnd { pending, complete, broken };

  HttpServer& server_;
  Loop& loop_;
  std::unique_ptr<TcpStream> stream_;
  RequestReader reader_;
  bool idle_ = false;
  bool client_gone_ = false;
  bool sending_piece_ = false;
  StreamEnd stream_end_ = StreamEnd::pending;
  Scope* streaming_ = nullptr;
};

}  // namespace parley::net
