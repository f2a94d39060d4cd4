// A call server over HTTP: POST /call with the offer (WHIP, RFC 9725), server-sent events, DELETE.
//
// Thread: the loop's only.
// Bound:  answers of kMaxAnswer; kMaxRetries attempts in a row to watch the events again where they were cut off.
#pragma once

#include <memory>

#include "caller/call_server.hpp"
#include "net/http_client.hpp"
#include "net/sse.hpp"
#include "net/url.hpp"

namespace parley::caller {

class HttpCallServer final : public CallServer {
 public:
  static constexpr std::size_t kMaxAnswer = 64 * KiB;
  static constexpr int kMaxRetries = 5;
  static constexpr Duration kRetryPause = 100ms;  // times the number of the attempt

  // `url` is that of the server ("http://127.0.0.1:8080") or of its calls (".../call"). `token` may be empty.
  static Result<std::unique_ptr<HttpCallServer>> create(net::HttpClient& client, std::string_view url, std::string token);

  Task<Result<std::string>> offer(std::string sdp, Deadline deadline) override;
  std::string call_id() const override;
  Task<Result<ServerEvent>> next_event(Deadline deadline) override;
  Task<Result<void>> hang_up(Deadline deadline) override;

 private:
  HttpCallServer(net::HttpClient& client, net::Url url, std::string token);
  net::ClientRequest request(std::string method, std::string url) const;
  Task<Result<void>> watch(Deadline deadline);
  Result<void> keep_location(std::string_view location);

  net::HttpClient& client_;
  net::Url url_;
  std::string token_;
  std::string location_;  // absolute
  std::unique_ptr<net::ResponseStream> stream_;
  net::SseParser parser_;
  std::string last_id_;
  int retries_ = 0;
};

}  // namespace parley::caller
