// Where a LiveKit server is: one address for its sockets and its HTTP API.
#pragma once

#include <string>
#include <string_view>

#include <parley/base/result.hpp>

namespace parley::livekit {

// "wss://host/prefix/?x" is "https://host/prefix", and "wss://host/prefix": what paths are appended to. ws, wss, http and https
// are taken. Errc::invalid_argument says how an address is written.
Result<std::string> http_base(std::string_view url);
Result<std::string> socket_base(std::string_view url);

}  // namespace parley::livekit
