// HTTP/1.1 messages out of bytes, as they come: no socket, no clock. Beast's parser does the reading.
//
// Bound: HttpLimits; a message beyond them, or malformed, is an HttpFault.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.hpp"

namespace parley::net {

struct HttpLimits {
  static constexpr std::size_t kMaxFields = 100;

  std::size_t header_bytes = 16 * KiB;  // request line or status line, and all fields
  std::size_t body_bytes = 256 * KiB;
  std::size_t fields = kMaxFields;
};

// What is wrong with a message; for a server: the status to answer with.
struct HttpFault {
  int status = 400;
  std::string detail;
};

template <class T = void>
using HttpResult = std::expected<T, HttpFault>;

// Requests, one after the other, of one connection.
class RequestReader {
 public:
  explicit RequestReader(HttpLimits limits = {});
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;

  // Takes what has come. After a fault the connection is of no more use.
  HttpResult<> feed(std::string_view bytes);

  bool idle() const noexcept;       // nothing of a request has come
  bool head_done() const noexcept;
  bool done() const noexcept;
  bool keep_alive() const noexcept;  // after head_done(): the client wants to go on with this connection

  const RequestHead& head() const noexcept;

  std::string take_body();  // what has come of the body since the last call
  // After done(): on to the next request. What came of it already, feed({}) goes on with.
  void next();

 private:
  struct Parser;
  HttpResult<> advance();

  HttpLimits limits_;
  std::string pending_;  // came, and is not parsed yet
  std::unique_ptr<Parser> parser_;
};

// One response at a time, its body in pieces.
class ResponseReader {
 public:
  explicit ResponseReader(HttpLimits limits = {});
  ~ResponseReader();
  ResponseReader(ResponseReader&&) noexcept;

  // Before the first byte of a response: what the request was. One to HEAD or CONNECT has no body.
  void expect(std::string_view method);

  HttpResult<> feed(std::string_view bytes);
  // The other side has ended: the end of a body without a length, or a message cut short.
  HttpResult<> feed_end();

  bool started() const noexcept;  // a byte of it has come
  bool head_done() const noexcept;
  bool done() const noexcept;
  bool keep_alive() const noexcept;
  bool clean() const noexcept { return pending_.empty(); }  // nothing has come behind it

  const ResponseHead& head() const noexcept;
  std::string take_body();  // what has come of the body since the last call

 private:
  struct Parser;
  HttpResult<> advance();

  HttpLimits limits_;
  bool no_body_ = false;
  bool started_ = false;
  std::string pending_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace parley::net
