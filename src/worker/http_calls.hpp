// Calls over HTTP, in the shape of WHIP (RFC 9725): an offer is posted, the answer comes back, DELETE hangs up.
//
// Thread: the loop's only.
// Bound:  an offer of kMaxOfferBytes, metadata of kMaxMetadataBytes; how many calls there are is the desk's to say.
#pragma once

#include <optional>
#include <string>

#include "net/http_server.hpp"
#include "worker/call_desk.hpp"

namespace parley::worker {

constexpr std::size_t kMaxOfferBytes = 64 * KiB;
constexpr std::size_t kMaxCallMetadataBytes = 4 * KiB;

class HttpCalls {
 public:
  explicit HttpCalls(CallDesk& desk) : desk_(desk) {}

  // True for /call and what lies below it.
  static bool owns(std::string_view path) noexcept;
  Task<net::ServerResponse> handle(net::ServerRequest request);

 private:
  Task<net::ServerResponse> offer(net::ServerRequest request);
  Task<net::ServerResponse> reoffer(std::string call_id, net::ServerRequest request);
  net::ServerResponse hang_up(const std::string& call_id);

  CallDesk& desk_;
};

}  // namespace parley::worker
