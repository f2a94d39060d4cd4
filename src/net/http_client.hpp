// Asking an HTTP server: the seam that providers, hooks and tools use, so that tests can answer in its place.
//
// Thread: the loop's only.
// Ending: destroying the task that asks, or the ResponseStream, ends the connection at once.
#pragma once

#include <memory>
#include <string>

#include <parley/async/task.hpp>
#include <parley/base/result.hpp>

#include "net/http.hpp"

namespace parley::net {

// Host, Content-Length and Connection are the client's to write.
struct ClientRequest {
  std::string method = "GET";
  std::string url;  // http:// or https://
  HttpFields fields;
  std::string body;
};

struct ClientResponse {
  ResponseHead head;
  std::string body;
};

// An answer whose body is still coming.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  virtual const ResponseHead& head() const noexcept = 0;
  // The next piece of the body as it comes; empty: that was all. Errc::unavailable: it was cut short.
  virtual Task<Result<std::string>> read(Deadline deadline) = 0;
};

class HttpClient {
 public:
  static constexpr std::size_t kMaxBody = 8 * MiB;

  virtual ~HttpClient() = default;

  // Returns when the head of the answer is there, whatever its status; redirects are not followed. Errors name the server:
  // Errc::unavailable (not reached, gone), Errc::timeout, Errc::not_found (no such host), Errc::refused (its certificate),
  // Errc::protocol (no HTTP), Errc::invalid_argument (the request itself).
  virtual Task<Result<std::unique_ptr<ResponseStream>>> open(ClientRequest request, Deadline deadline) = 0;

  // The whole answer. Errc::protocol: its body is longer than `max_body`.
  Task<Result<ClientResponse>> send(ClientRequest request, Deadline deadline, std::size_t max_body = kMaxBody);
};

}  // namespace parley::net
