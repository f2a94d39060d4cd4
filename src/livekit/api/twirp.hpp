// What a Twirp server says, and what it means: private to the API's client.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include <parley/base/result.hpp>

#include "net/http_client.hpp"

namespace parley::livekit {

struct TwirpMethod {
  const char* what;  // for messages: "create dispatch"
  const char* path;  // "livekit.AgentDispatchService/CreateDispatch"
};

// The object of a 200; of anything else the error: Twirp's {code, msg, meta}, or the plain text of what stands before it.
Result<boost::json::object> read_answer(std::string_view what, const net::ClientResponse& response);

// Protobuf's JSON, under the name of the .proto file or in lowerCamelCase, whichever the server writes. What is absent, or of
// another type, is empty.
const boost::json::value* field(const boost::json::object& message, std::string_view name);
std::string text_field(const boost::json::object& message, std::string_view name);
unsigned count_field(const boost::json::object& message, std::string_view name);

}  // namespace parley::livekit
