// One JSON message to a server of the operator's own, and its answer.
//
// Thread: the loop's only.
// Bound:  the deadline, and `max_answer` bytes of the answer.
// Ending: destroying the task ends the connection at once.
#pragma once

#include <string>
#include <string_view>

#include "agent_file/settings.hpp"
#include "net/http_client.hpp"

namespace parley::webhook {

struct SignedPost {
  agent_file::HttpTarget target;  // filled in
  std::string body;               // JSON
  std::string idempotency_key;    // the same for every try of one thing
  std::size_t max_answer = 256 * KiB;
};

// Whatever the answer's status. The deadline is `limit` or the target's timeout, whichever is sooner. Errors are HttpClient's,
// of "the server": neither its name nor its path, which may be a secret, is in them.
Task<Result<net::ClientResponse>> send(net::HttpClient& client, SignedPost post, Deadline limit);

// "tools.example:8443", for logs.
std::string server_of(const agent_file::HttpTarget& target);
// "503 Service Unavailable", and what the server itself says about it: the "error" of a JSON object.
std::string describe_status(const net::ClientResponse& response);

}  // namespace parley::webhook
