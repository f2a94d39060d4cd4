// Refusals over HTTP: one JSON object with a sentence for people (RFC 9457), and the status for machines.
#pragma once

#include <string>
#include <string_view>

#include <parley/base/result.hpp>

#include "net/http_server.hpp"

namespace parley::worker {

net::ServerResponse problem(int status, std::string_view detail);

// What the desk says, as HTTP says it. What is ours alone (Errc::internal, Errc::io) is not told to callers.
net::ServerResponse problem_of(const Error& error);

// Status 405, and what would have been allowed: "POST, DELETE, OPTIONS".
net::ServerResponse not_allowed(std::string_view method, std::string_view allowed);

}  // namespace parley::worker
