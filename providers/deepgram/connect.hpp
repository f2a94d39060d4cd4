// What both of Deepgram's sockets have in common: where they are, the key, and what a failure means.
#pragma once

#include <string>
#include <string_view>

#include <parley/provider.hpp>

#include "net/websocket.hpp"

namespace parley::deepgram {

inline constexpr std::string_view kBaseUrl = "wss://api.deepgram.com/v1";

// As it is meant: http:// and https:// are ws:// and wss://, a slash at the end is none, and a mere server has its API at /v1.
std::string socket_base(std::string_view base_url);

// `target`: "/listen?...".
net::WebSocketRequest socket_request(std::string_view base_url, std::string_view target, const std::string& api_key);

// A failed connect: by the status of the answer where there is one, with Deepgram's own words.
ProviderError provider_error(const net::WebSocketFailure& failure);

// The message of an error body ({"err_msg"}, {"message"}), or its beginning.
std::string refusal_text(const net::ClientResponse& answer);

// As it stands in a query.
std::string query_value(std::string_view text);

}  // namespace parley::deepgram
