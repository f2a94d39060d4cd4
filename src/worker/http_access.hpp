// Who may ask: the name by which the server is called, and the token.
//
// A page of any site can make a browser send requests to an address on the user's machine; by DNS rebinding even under a
// name that the browser takes for that site's own. So only the names that are ours are answered to.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "net/http_server.hpp"

namespace parley::worker {

class HttpAccess {
 public:
  static constexpr std::size_t kMinTokenBytes = 16;

  // `listening` is the numeric address; `names` are those by which users reach this server; `token` may be empty.
  HttpAccess(std::string listening, const std::vector<std::string>& names, std::string token);

  // For a server that answers calls. Errc::invalid_argument: beyond loopback without a token, or with one too short.
  Result<void> check() const;

  // The refusal, if any. Loopback names and addresses, the names given, and beyond loopback any numeric address, which
  // cannot be rebound.
  std::optional<net::ServerResponse> refuse_host(const net::RequestHead& head) const;

  // The refusal, if any: where there is a token it is asked for, whoever asks.
  std::optional<net::ServerResponse> refuse_token(const net::RequestHead& head) const;

  bool beyond_loopback() const noexcept { return beyond_loopback_; }
  bool has_token() const noexcept { return !token_.empty(); }

 private:
  std::string listening_;
  bool beyond_loopback_;
  std::set<std::string, std::less<>> names_;
  std::string token_;
};

}  // namespace parley::worker
